/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* JSON objects in the state directory, one in each file: <state>/<directory>/<key>.json. In all
 * functions, @state is the state directory, @directory a name in it, and @key comes from
 * storage_key(). */

#include <jansson.h>

#include "statedir/files/key.h"

/* Computes the key of these three texts together. Returns 0 or -ENOMEM. */
int state_json_key(const char *kind, const char *server, const char *what,
                   char ret[STORAGE_KEY_SIZE]);

/* Writes an object, and replaces an older one. Creates the directory (0700) if it is missing.
 * Returns 0 or -errno. */
int state_json_save(const char *state, const char *directory, const char *key,
                    const json_t *object);

/* Reads an object of at most @max bytes. @ret: json_decref(). Returns 0; -ENOENT: it does not
 * exist; -EBADMSG: it is larger or not a JSON object; other -errno. */
int state_json_load(const char *state, const char *directory, const char *key, size_t max,
                    json_t **ret);

/* Checks whether the last write was at @since (seconds since 1970) or before. Returns 1, 0 or
 * -errno. */
int state_json_is_old(const char *state, const char *directory, const char *key, time_t since);

/* Removes an object. Returns 0, also if it does not exist; -errno. */
int state_json_remove(const char *state, const char *directory, const char *key);

/* Creates the directory (0700) if it is missing. @ret: its path, a new string. Returns 0 or -errno.
 */
int state_json_directory(const char *state, const char *directory, char **ret);

/* Whether this file name is that of an object. @key: its key. */
bool state_json_is_named(const char *name, char key[STORAGE_KEY_SIZE]);

/* Lists the keys of all objects, sorted; none if the directory does not exist. @ret: strv_free().
 * Returns 0 or -errno. */
int state_json_list(const char *state, const char *directory, char ***ret);

/* Removes the temporary files of a crash. Only for the process that writes to this directory.
 * Returns 0, also if the directory does not exist; -errno. */
int state_json_clean(const char *state, const char *directory);

/* Says whether an object has expired: 1, 0, or -errno to stop. */
typedef int (*state_json_over_cb)(const char *state, const char *key, time_t now);

/* Calls state_json_clean(), then removes all objects that have expired. Returns 0 or -errno. */
int state_json_sweep(const char *state, const char *directory, state_json_over_cb is_over,
                     time_t now);
