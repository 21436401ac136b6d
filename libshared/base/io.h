/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Reading and writing files and sockets with limits. */

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/macro.h"

/**
 * read_file_at() - read a small regular file whole
 * @dir_fd: directory the path starts from, or AT_FDCWD
 * @path: file; a symbolic link in its last part is not followed when @dir_fd is not AT_FDCWD
 * @max: largest size accepted, bytes
 * @ret: content, NUL-terminated behind @ret_size bytes; free()
 *
 * Returns 0; -EFBIG past @max; -EBADF for what is not a regular file; other -errno.
 */
int read_file_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size);

/* Waits until one of @events (POLLIN, POLLOUT), an error or a hang-up. 0, -ETIMEDOUT, -errno. */
int fd_wait(int fd, short events, usec_t deadline);

/* Takes what a socket has, waiting for the first of it. Number of bytes; 0: the peer has closed;
 * -ETIMEDOUT, -errno. */
ssize_t receive_before(int fd, void *data, size_t size, usec_t deadline);

/* Says that nothing more is sent, and drops what still comes, for a moment: closing with bytes
 * unread would make the kernel reset the connection, and what was sent last could be lost on its
 * way to a peer that is still sending (RFC 9112 §9.6). */
void socket_linger(int fd);

/* Writes everything, waiting for the fd where needed; never raises SIGPIPE on a socket. What is
 * not a socket must be non-blocking for the deadline to hold. 0, -ETIMEDOUT at the deadline, or
 * -errno. */
int write_all(int fd, const void *data, size_t size, usec_t deadline);

/* The same for several pieces at once; @iov is used up. */
int writev_all(int fd, struct iovec *iov, size_t n, usec_t deadline);
