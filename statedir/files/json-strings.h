/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Converts the string members of a record to JSON and back. Each kind of record has a table of
 * them. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct JsonString {
    const char *name;
    size_t offset; /* of the char * in the record */
    bool optional; /* may be NULL; the JSON object then has no such member */
} JsonString;

/* Frees all strings of the table. The pointers stay in the record. */
void json_strings_free(const JsonString *table, size_t n, const void *record);

/* Adds the strings to the object. Returns 0 or -ENOMEM. */
int json_strings_pack(const JsonString *table, size_t n, const void *record, json_t *object);

/* Copies the strings from the object into a record that has none yet. Returns 0; -EBADMSG: one is
 * missing or is not a string; -ENOMEM. After an error, the record has those copied before it. */
int json_strings_unpack(const JsonString *table, size_t n, const json_t *object, void *record);

/* Finds the value of a member in a list of words. Returns its index; -EBADMSG: it is not in the
 * list. */
int json_strings_find(const char *const *words, size_t n, const json_t *object, const char *name);
