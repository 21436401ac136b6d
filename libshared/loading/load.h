/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Reads acmems.ini and its drop-ins into a Config. */

#include "config/config.h"

/**
 * config_load() - read and check a configuration
 * @path: main file; then the files of its .d directory ("x.ini": "x.d") that end in .ini, by name
 * @message: called for each finding (the first CONFIG_FINDINGS_MAX), in the order of files and
 * lines
 *
 * One run reports all errors. Returns 0; -EINVAL if a value was refused; -errno if the main file
 * cannot be read (also reported); -ENOMEM.
 */
int config_load(const char *path, config_message_cb message, void *userdata, Config **ret);

/**
 * config_load_sound() - read the valid parts of a configuration, even if it is refused
 *
 * Reports the same findings as config_load() and leaves out refused lines. So a block may lack a
 * required value: a storage its directory, an auth block its methods. For sockets and sandboxes,
 * which must come up as far as possible; never use it to decide about a request.
 *
 * There are no default listeners if a line or a file could not be read: it may have named others.
 * Returns 0; -errno if the main file cannot be read; -ENOMEM.
 */
int config_load_sound(const char *path, config_message_cb message, void *userdata, Config **ret);
