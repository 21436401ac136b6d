/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* JSON objects that the state directory keeps: <state>/<directory>/<key>.json, one file each. A key
 * is made by storage_key(). */

#include <jansson.h>

#include "statedir/files/key.h"

/* The key of what these three words say, all of them together. 0 or -ENOMEM. */
int state_json_key(const char *kind, const char *server, const char *what,
                   char ret[STORAGE_KEY_SIZE]);

/* Writes one, in place of an older one; the directory is made where missing (0700). 0 or -errno. */
int state_json_save(const char *state, const char *directory, const char *key,
                    const json_t *object);

/* @max: largest size, bytes. 0; -ENOENT: there is none; -EBADMSG: it is no JSON object, or larger;
 * other -errno. */
int state_json_load(const char *state, const char *directory, const char *key, size_t max,
                    json_t **ret);

/* Whether it was not written after @since, seconds since 1970: 1, 0 or -errno. */
int state_json_is_old(const char *state, const char *directory, const char *key, time_t since);

/* 0, also where there is none; -errno. */
int state_json_remove(const char *state, const char *directory, const char *key);

/* The keys of all, sorted; none where there is no directory. 0 or -errno. *ret: strv_free(). */
int state_json_list(const char *state, const char *directory, char ***ret);

/* Removes what a crash left half; for the one who writes there. 0, also without a directory;
 * -errno. */
int state_json_clean(const char *state, const char *directory);

/* Whether one is of no use any more: 1, 0, or -errno to stop. */
typedef int (*state_json_over_cb)(const char *state, const char *key, time_t now);

/* Removes what is of no use any more, and does state_json_clean(). 0 or -errno. */
int state_json_sweep(const char *state, const char *directory, state_json_over_cb is_over,
                     time_t now);
