/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The files in the .d directory of the main file. */

#define CONFIG_DROPINS_MAX 1000U

/* The .d directory of a main file: "/etc/acmems/acmems.d" of "/etc/acmems/acmems.ini". New string,
 * NULL when out of memory. */
char *config_dropin_directory(const char *path);

/* Lists the paths of the .ini files in it, in reading order. Returns 0 (also if the directory is
 * missing); -E2BIG for more than CONFIG_DROPINS_MAX; -ENOMEM; other -errno. */
int config_list_dropins(const char *directory, char ***ret);
