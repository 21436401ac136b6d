/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Paths as text: nothing here looks at the disk. */

#include <stdbool.h>

/* Whether it is absolute, shorter than PATH_MAX, and a unit file can name it: no "..", no control
 * character, no backslash at its end. */
bool path_is_usable(const char *path);

/* Whether it is the directory or stands below it; "//" and "/./" mean "/". Both are absolute. */
bool path_is_below(const char *path, const char *directory);
