/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Atomic writes: a reader sees the old file, the new file or none, never a part. Files and
 * directories that root creates belong to the owner of the directory that contains them. */

#include <stddef.h>
#include <sys/types.h>

/**
 * atomic_replace_at() - write a file, and replace an older one
 * @dir_fd: its directory
 * @name: its name in this directory, without a slash
 * @data: @size bytes
 * @mode: permissions, independent of the umask
 *
 * Creates a unique temporary file (".tmp-…" in the same directory), writes and syncs it, renames it
 * and syncs the directory. Returns 0 or -errno. On failure, the old file is unchanged and the
 * temporary file is removed.
 */
int atomic_replace_at(int dir_fd, const char *name, const void *data, size_t size, mode_t mode);

/* As atomic_replace_at(), but replaces nothing (linkat() instead of renameat()): -EEXIST if the
 * name exists. */
int atomic_create_at(int dir_fd, const char *name, const void *data, size_t size, mode_t mode);

/* Removes the temporary files that a crash left in this directory (not below it). Returns their
 * number or -errno. */
int atomic_clean_at(int dir_fd);

/* Opens a directory. Creates it and its parents if they are missing, with @mode independent of the
 * umask. Returns a descriptor or -errno. */
int directory_open(const char *path, mode_t mode);
