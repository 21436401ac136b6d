/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The members of a record that are strings, to a JSON object and back, by one table for each kind
 * of record. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct JsonString {
    const char *name;
    size_t offset; /* of the char * in the record */
    bool optional; /* may be NULL, and is left out then */
} JsonString;

void json_strings_free(const JsonString *table, size_t n, const void *record);

/* Adds them to the object. 0 or -ENOMEM. */
int json_strings_pack(const JsonString *table, size_t n, const void *record, json_t *object);

/* Copies them into a record that has none yet. 0; -EBADMSG: one is missing or no string; -ENOMEM.
 * What was copied until then is there. */
int json_strings_unpack(const JsonString *table, size_t n, const json_t *object, void *record);

/* Which of these words a member is: its index; -EBADMSG: none of them. */
int json_strings_find(const char *const *words, size_t n, const json_t *object, const char *name);
