/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "varlink/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/macro.h"

#define READ_SIZE 65536U

void frames_done(Frames *frames)
{
    free(frames->bytes);
    *frames = (Frames){ 0 };
}

/* Changes the allocated size. 0 or -ENOMEM. */
static int resize(Frames *frames, size_t size)
{
    char *p = NULL;

    if (size > 0 && !(p = realloc(frames->bytes, size)))
        return -ENOMEM;
    if (size == 0)
        free(frames->bytes);
    frames->bytes = p;
    frames->size = size;
    return 0;
}

/* Makes room for @n more bytes. A small call takes no more than its size; that of a large one
 * doubles, so that it is not copied again and again. */
static int reserve(Frames *frames, size_t n, size_t max)
{
    size_t size = frames->n + n;

    if (size <= frames->size)
        return 0;
    if (size > READ_SIZE)
        size = 2 * size < max ? 2 * size : max;
    return resize(frames, size);
}

int frames_read(Frames *frames, int fd, size_t max)
{
    static char piece[READ_SIZE];
    size_t room = max + 1 - frames->n;
    ssize_t n = recv(fd, piece, room < READ_SIZE ? room : READ_SIZE, 0);
    int r;

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (n == 0)
        return -ECONNRESET;
    r = reserve(frames, (size_t)n, max + 1);
    if (r < 0)
        return r;
    memcpy(frames->bytes + frames->n, piece, (size_t)n);
    frames->n += (size_t)n;
    return 0;
}

bool frames_find(Frames *frames, size_t *ret_size)
{
    size_t searched = frames->n_searched;
    const char *end =
        frames->n > searched ? memchr(frames->bytes + searched, '\0', frames->n - searched) : NULL;

    *ret_size = end ? (size_t)(end - frames->bytes) : frames->n;
    frames->n_searched = *ret_size;
    return end;
}

int frames_take(Frames *frames, size_t size, char **ret)
{
    char *frame = strndup(frames->bytes, size);

    if (!frame)
        return -ENOMEM;
    frames->n -= size + 1;
    frames->n_searched = 0;
    memmove(frames->bytes, frames->bytes + size + 1, frames->n);
    (void)resize(frames, frames->n);
    *ret = frame;
    return 0;
}
