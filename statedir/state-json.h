/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* JSON objects that the state directory keeps: <state>/<directory>/<key>.json, one file each. A key
 * is made by storage_key(). */

#include <jansson.h>

#include "storage.h"

/* Writes one, in place of an older one; the directory is made where missing (0700). 0 or -errno. */
int state_json_save(const char *state, const char *directory, const char *key,
                    const json_t *object);

/* @max: largest size, bytes. 0; -ENOENT: there is none; -EBADMSG: it is no JSON object, or larger;
 * other -errno. */
int state_json_load(const char *state, const char *directory, const char *key, size_t max,
                    json_t **ret);

/* When it was written last, seconds since 1970. 0 or -errno. */
int state_json_written(const char *state, const char *directory, const char *key, time_t *ret);

/* 0, also where there is none; -errno. */
int state_json_remove(const char *state, const char *directory, const char *key);

/* The keys of all, sorted; none where there is no directory. 0 or -errno. *ret: strv_free(). */
int state_json_list(const char *state, const char *directory, char ***ret);

/* Removes what a crash left half; for the one who writes there. 0, also without a directory;
 * -errno. */
int state_json_clean(const char *state, const char *directory);
