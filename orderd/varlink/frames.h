/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The input of a connection: bytes from the socket, taken out frame by frame. A NUL byte ends a
 * frame. */

#include <stdbool.h>
#include <stddef.h>

typedef struct Frames {
    char *bytes;
    size_t size, n;    /* allocated, filled */
    size_t n_searched; /* bytes without the end of a frame */
} Frames;

void frames_done(Frames *frames);

/* Reads once from the socket, up to one byte above @max in all. 0: more may follow; -ECONNRESET at
 * the end; other -errno. */
int frames_read(Frames *frames, int fd, size_t max);

/* Whether the end of the first frame is there. *ret_size: its size without the NUL byte; if its end
 * is missing, what is there of it. */
bool frames_find(Frames *frames, size_t *ret_size);

/* Takes the frame of @size bytes out, with its NUL byte. @ret: free(). 0 or -ENOMEM. */
int frames_take(Frames *frames, size_t size, char **ret);
