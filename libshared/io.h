/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Reading and writing files and sockets with limits. */

#include <stddef.h>

#include "clock.h"

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

/* Writes everything, waiting for the fd where needed. 0, -ETIMEDOUT at the deadline, or -errno. */
int write_all(int fd, const void *data, size_t size, usec_t deadline);
