/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Listing the names in a directory, without losing an error of readdir() or a descriptor. */

#include <dirent.h>

#include "base/macro.h"

/**
 * directory_list_at() - open a directory to list its names
 * @dir_fd: the directory that @path starts from, or AT_FDCWD
 * @path: "." lists @dir_fd itself, from its start, and leaves @dir_fd open
 * @flags: added to those of openat(): O_NOFOLLOW, or 0
 *
 * Returns 0 with *ret, which closedir() or _cleanup_closedir_ closes; -errno.
 */
int directory_list_at(int dir_fd, const char *path, int flags, DIR **ret);

/* The next name, without "." and "..": 1 with *ret, which is valid until the next call; 0: there
 * are no more; -errno: the directory cannot be read. */
int directory_next(DIR *directory, const char **ret);

DEFINE_CLEANUP_FUNC(DIR *, closedir)
#define _cleanup_closedir_ _cleanup_(closedirp)
