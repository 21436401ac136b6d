/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A configuration that follows its files: a change on disk takes effect at the next look. */

#include <limits.h>

#include "config/config.h"

typedef struct ConfigFile ConfigFile;

/* The path of the configuration if none is given: the credential "acmems.ini", else
 * CONFIG_FILE_DEFAULT. May use @buf. */
const char *config_file_default(char buf[PATH_MAX]);

/* A config_message_cb that logs "FILE:LINE: error: TEXT" or "FILE:LINE: warning: TEXT". */
void config_log_finding(int level, const char *file, unsigned line, const char *text,
                        void *userdata);

/* Loads the configuration and logs the findings. Returns the result of config_load(). */
int config_file_open(const char *path, ConfigFile **ret);
/* The same, but waits for a broken configuration: config_file_get() returns NULL until it is fixed.
 * Returns 0 or -ENOMEM. */
int config_file_watch(const char *path, ConfigFile **ret);
/* The same for a program that can read the key files that the configuration names: they are read,
 * checked and followed like the configuration itself. */
int config_file_watch_keys(const char *path, ConfigFile **ret);
ConfigFile *config_file_free(ConfigFile *file); /* always returns NULL */

/**
 * config_file_get() - get the current configuration
 *
 * Reloads it if the main file, its .d directory, a file in it or a key file changed (device, inode,
 * size, mtime, ctime; and the content while the clock tick of the change lasts). Applies [logging]
 * level. Logs a broken configuration once and keeps the previous one. Borrowed until the next call;
 * config_ref() keeps it.
 */
Config *config_file_get(ConfigFile *file);

/* Whether the last look found errors: the previous configuration is in use, or there is none. */
bool config_file_is_broken(const ConfigFile *file);

DEFINE_CLEANUP_FUNC(ConfigFile *, config_file_free)
