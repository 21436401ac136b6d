/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Paths as text, without access to the file system. */

#include <stdbool.h>

/* Whether it is absolute, shorter than PATH_MAX, and usable in a unit file: no "..", no control
 * character, no trailing backslash. */
bool path_is_usable(const char *path);

/* Whether it is the directory or below it; "//" and "/./" mean "/". Both must be absolute. */
bool path_is_below(const char *path, const char *directory);
