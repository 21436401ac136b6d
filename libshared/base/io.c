/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/io.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/macro.h"

#define LINGER_TIMEOUT  (2 * USEC_PER_SEC)
#define LINGER_SIZE_MAX ((size_t)16 * 1024 * 1024)

/* Reads to the end of the file. The expected size is only the first size of the buffer: the file
 * may grow meanwhile. */
static int read_to_end(int fd, size_t expected, size_t max, char **ret, size_t *ret_size)
{
    _cleanup_free_ char *content = NULL;
    size_t size = 0, room = 0;

    for (;;) {
        ssize_t n;

        /* One byte more than expected, so that one call reaches the end; one more for the NUL. */
        if (size == room) {
            char *p;

            room = size == 0 ? expected + 1 : room * 2;
            p = realloc(content, room + 1);
            if (!p)
                return -ENOMEM;
            content = p;
        }
        n = read(fd, content + size, room - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        size += (size_t)n;
        if (size > max)
            return -EFBIG;
    }
    content[size] = '\0';
    *ret = TAKE_PTR(content);
    *ret_size = size;
    return 0;
}

int read_file_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size)
{
    /* O_NONBLOCK: opening a FIFO must not hang. */
    int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    _cleanup_close_ int fd = -EBADF;
    struct stat st;

    if (dir_fd != AT_FDCWD)
        flags |= O_NOFOLLOW;
    fd = openat(dir_fd, path, flags);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EBADF;
    if ((uintmax_t)st.st_size > max)
        return -EFBIG;
    return read_to_end(fd, (size_t)st.st_size, max, ret, ret_size);
}

int fd_wait(int fd, short events, usec_t deadline)
{
    struct pollfd p = { .fd = fd, .events = events };

    for (;;) {
        int r = poll(&p, 1, deadline_to_poll(deadline));

        if (r > 0)
            return p.revents & POLLNVAL ? -EBADF : 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

ssize_t receive_before(int fd, void *data, size_t size, usec_t deadline)
{
    for (;;) {
        ssize_t n = recv(fd, data, size, MSG_DONTWAIT);
        int r;

        if (n >= 0)
            return n;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        r = fd_wait(fd, POLLIN, deadline);
        if (r < 0)
            return r;
    }
}

void socket_linger(int fd)
{
    usec_t deadline = now_monotonic() + LINGER_TIMEOUT;
    size_t dropped = 0;
    char buffer[4096];

    if (shutdown(fd, SHUT_WR) < 0)
        return;
    while (dropped < LINGER_SIZE_MAX) {
        ssize_t n = receive_before(fd, buffer, sizeof(buffer), deadline);

        if (n <= 0)
            return;
        dropped += (size_t)n;
    }
}

int write_all(int fd, const void *data, size_t size, usec_t deadline)
{
    struct iovec iov = { .iov_base = (void *)data, .iov_len = size };

    return writev_all(fd, &iov, 1, deadline);
}

static ssize_t write_some(int fd, struct iovec *iov, size_t n)
{
    struct msghdr message = { .msg_iov = iov, .msg_iovlen = n };
    ssize_t r = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (r < 0 && errno == ENOTSOCK)
        r = writev(fd, iov, (int)n);
    return r < 0 ? -errno : r;
}

int writev_all(int fd, struct iovec *iov, size_t n, usec_t deadline)
{
    while (n > 0) {
        ssize_t written;

        if (iov->iov_len == 0) {
            iov++;
            n--;
            continue;
        }
        written = write_some(fd, iov, n);
        if (written == -EINTR)
            continue;
        if (written == -EAGAIN) {
            int r = fd_wait(fd, POLLOUT, deadline);

            if (r < 0)
                return r;
            continue;
        }
        if (written < 0)
            return (int)written;
        while (written > 0) {
            size_t part = (size_t)written < iov->iov_len ? (size_t)written : iov->iov_len;

            iov->iov_base = (char *)iov->iov_base + part;
            iov->iov_len -= part;
            written -= (ssize_t)part;
            if (iov->iov_len == 0) {
                iov++;
                n--;
            }
        }
    }
    return 0;
}
