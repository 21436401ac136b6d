/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* An answer of the CA, with its JSON read. */

#include <jansson.h>

#include "libacme/transport/fetch.h"

/* What the CA answered; borrowed, valid while the callback runs. */
typedef struct SessionReply {
    int error; /* -errno with error_text: no answer came at all */
    const char *error_text;
    long status;
    const json_t *json;    /* NULL unless the answer is a JSON object */
    const json_t *problem; /* the same object when it is a problem document (RFC 7807) */
    const char *body;      /* NUL-terminated */
    size_t size;
    const char *content_type;
    const char *location;
    char *const *alternates; /* URLs of the same in another form, see FetchResult */
    unsigned retry_after;    /* s, 0: none */
} SessionReply;

/* Reads an answer's JSON; *ret_json, which is NULL on entry, owns what the reply borrows. */
SessionReply session_reply_read(const FetchResult *result, json_t **ret_json);

/* A URL of an object, as a string; NULL when it is not there or not https. Borrowed. */
const char *session_url(const json_t *object, const char *key);
