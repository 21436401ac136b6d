/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The header fields of a request (RFC 9112 §5), read in place by llhttp or, on older distributions,
 * by http_parser. */

#include <stdbool.h>
#include <stddef.h>

#define HTTP_FIELDS_MAX 100U

/* An error in a request. */
typedef struct HttpRefusal {
    int status;           /* HTTP status */
    const char *sentence; /* what is wrong and what to do */
} HttpRefusal;

typedef struct HttpField {
    char *name, *value;
    size_t name_length, value_length;
} HttpField;

typedef struct HttpFields {
    bool keep_alive; /* what Connection and the version ask for (RFC 9112 §9.3) */
    size_t n;
    HttpField list[HTTP_FIELDS_MAX]; /* last: only the first n are initialised */
} HttpFields;

/* Whether this is a token (RFC 9110 §5.6.2). */
bool http_is_token(const char *text, size_t length);

/**
 * http_fields_read() - read all header fields, with the empty line that ends them
 * @minor: of the request's version HTTP/1.x
 * @data: the fields; names and values are terminated in there, and @ret points into it
 *
 * Returns NULL, or what is wrong, which is static. Two fields that frame the body differently are
 * an error; whether a body is permitted is not judged here.
 */
const HttpRefusal *http_fields_read(unsigned minor, char *data, size_t size, HttpFields *ret);

/* Returns the value of the first field of this name, in any case; NULL: there is none. */
const char *http_fields_find(const HttpFields *fields, const char *name);

/* Returns the number of fields of this name, in any case. */
unsigned http_fields_count(const HttpFields *fields, const char *name);

/* Returns how often the fields of this name, as one list, have this member, in any case; -1: they
 * have another one. Empty members do not count (RFC 9110 §5.6.1.2). */
int http_fields_members(const HttpFields *fields, const char *name, const char *member);

/* Whether the name of a field begins with this prefix, in any case. */
bool http_fields_have_prefix(const HttpFields *fields, const char *prefix);
