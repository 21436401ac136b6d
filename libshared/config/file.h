/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A configuration that follows its files: what changed on disk is in force at the next look. */

#include <limits.h>

#include "config/config.h"

typedef struct ConfigFile ConfigFile;

/* Where the configuration is, if nobody says: handed over as the credential "acmems.ini", or else
 * CONFIG_FILE_DEFAULT. Into @buf where it has to be. */
const char *config_file_default(char buf[PATH_MAX]);

/* A config_message_cb that logs "FILE:LINE: error: TEXT" or "FILE:LINE: warning: TEXT". */
void config_log_finding(int level, const char *file, unsigned line, const char *text,
                        void *userdata);

/* Loads; findings are logged. Returns what config_load() does. */
int config_file_open(const char *path, ConfigFile **ret);
/* The same, but what is broken is waited for: config_file_get() gives NULL until it is mended. 0 or
 * -ENOMEM. */
int config_file_watch(const char *path, ConfigFile **ret);
/* The same for who may read the files with keys that it names: they are read with it, are broken
 * like it, and followed like it. */
int config_file_watch_keys(const char *path, ConfigFile **ret);
ConfigFile *config_file_free(ConfigFile *file); /* always returns NULL */

/**
 * config_file_get() - the configuration in force now
 *
 * Looks whether the main file, its .d directory, a file in it or one with a key changed (device,
 * inode, size, mtime, ctime) and loads anew if so; also puts [logging] level in force. A broken new
 * configuration is logged once and the old one stays. Borrowed: valid until the next call;
 * config_ref() to keep it.
 */
Config *config_file_get(ConfigFile *file);

DEFINE_CLEANUP_FUNC(ConfigFile *, config_file_free)
