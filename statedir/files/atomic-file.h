/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Files that a reader sees old, new or not at all, never half. Files and directories that root
 * makes belong to the owner of the directory that they are made in. */

#include <stddef.h>
#include <sys/types.h>

/**
 * atomic_replace_at() - write a file, in place of an older one where there is one
 * @dir_fd: the directory that it stands in
 * @name: name in that directory, no slash
 * @mode: rights, whatever the umask
 *
 * Unique temp file (".tmp-…" in the same directory), write, fsync, rename, fsync of the directory.
 * Returns 0 or -errno; on failure the old file stands as it was and no temp file stays.
 */
int atomic_replace_at(int dir_fd, const char *name, const void *data, size_t size, mode_t mode);

/* The same, but only where nothing of that name stands (linkat in place of rename): -EEXIST else.
 */
int atomic_create_at(int dir_fd, const char *name, const void *data, size_t size, mode_t mode);

/* Removes the temp files that a crash left in this directory (not below it). Returns their number
 * or -errno. */
int atomic_clean_at(int dir_fd);

/* Opens a directory; it and its parents are made where missing, with this mode whatever the umask.
 * fd or -errno. */
int directory_open(const char *path, mode_t mode);
