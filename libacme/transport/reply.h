/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* An answer of the CA with its JSON parsed. */

#include <jansson.h>

#include "libacme/https/fetch.h"

#define STATUS_CREATED 201 /* HTTP */

/* Borrowed, valid while the callback runs. */
typedef struct SessionReply {
    /* 0: an answer came; -EBADMSG: an answer came that is not the one, and error_text is a clause
     * of its own; other -errno, with error_text: see FetchResult, or an error on this machine */
    int error;
    const char *error_text;
    long status;
    const json_t *json;    /* NULL unless the answer is a JSON object */
    const json_t *problem; /* the same object if it is a problem document (RFC 7807) */
    const char *body;      /* NUL-terminated, without a byte order mark */
    size_t size;
    const char *content_type;
    const char *location, *redirect; /* see FetchResult */
    char *const *alternates;         /* URLs of alternate chains, see FetchResult */
    unsigned retry_after;            /* s, 0: none */
} SessionReply;

/* Parses an answer. What the body is decides about it, whatever the media type. *ret_json must be
 * NULL on entry; it owns the JSON that the reply borrows. */
SessionReply session_reply_read(const FetchResult *result, json_t **ret_json);

/* Whether an answer came, with a status of success: any 2xx, whichever one is due. */
bool session_reply_is_good(const SessionReply *reply);

/* Returns what came in place of the expected answer, a new string: "HTTP status 200, text/html",
 * "HTTP status 301, a redirect to https://…". NULL: out of memory. */
char *session_reply_describe(const SessionReply *reply);

/* Returns the URL at @key of a JSON object; NULL if it is missing or not https. Borrowed. */
const char *session_url(const json_t *object, const char *key);
