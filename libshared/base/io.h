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
 * read_file_at() - read a whole small regular file
 * @dir_fd: directory the path starts from, or AT_FDCWD
 * @path: the file; its last component must not be a symbolic link unless @dir_fd is AT_FDCWD
 * @max: maximum size, bytes
 * @ret: content, with a NUL after its @ret_size bytes; free()
 *
 * Returns 0; -EFBIG if it is larger than @max; -EBADF if it is not a regular file; other -errno.
 */
int read_file_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size);

/* Waits for one of @events (POLLIN, POLLOUT), an error or a hang-up. Returns 0, -ETIMEDOUT, -errno.
 */
int fd_wait(int fd, short events, usec_t deadline);

/* Receives available bytes, and waits for the first one. Returns the number of bytes; 0 if the peer
 * has closed; -ETIMEDOUT, -errno. */
ssize_t receive_before(int fd, void *data, size_t size, usec_t deadline);

/* Closes the sending side, then receives and drops bytes for a moment. A close with unread bytes
 * would reset the connection, and a peer that is still sending could lose the last bytes sent to it
 * (RFC 9112 §9.6). */
void socket_linger(int fd);

/* Writes all bytes, and waits for the fd if needed. Never raises SIGPIPE on a socket. Other
 * descriptors must be non-blocking for the deadline to apply. Returns 0, -ETIMEDOUT, -errno. */
int write_all(int fd, const void *data, size_t size, usec_t deadline);

/* The same for several pieces; modifies @iov. */
int writev_all(int fd, struct iovec *iov, size_t n, usec_t deadline);
