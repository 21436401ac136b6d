/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The head of a request: request line and header fields (RFC 9112 §3, §5), read in place. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serving/http-fields.h"

typedef struct HttpRequest {
    char *method;    /* "" until the request line is read */
    char *path;      /* from the target, without the query; "" until then */
    char *authority; /* host and port of an absolute-form target (RFC 9112 §3.2.2); NULL: none */
    unsigned minor;
    bool has_length, is_chunked;
    uint64_t length;
    bool expects_continue;
    const char *reason; /* what is wrong and what to do, borrowed; NULL: nothing */
    HttpFields fields;  /* last: only its first elements are initialised */
} HttpRequest;

/* Sets request->reason to the sentence and returns the status. */
int http_request_refuse(HttpRequest *request, const HttpRefusal *refusal);

void http_request_init(HttpRequest *request);

/**
 * http_head_size() - find the end of a head
 * @line_size: set to the size of the request line with its CRLF once that is complete; else 0
 * @scanned: how far earlier calls came; 0 at first
 *
 * Returns the size of the head with its empty line; 0 while it is incomplete; -EBADMSG for a line
 * that ends in a bare LF.
 */
int http_head_size(const char *data, size_t size, size_t *line_size, size_t *scanned);

/* Reads the request line, @size bytes with its CRLF. Returns 0, or the HTTP status of the error and
 * sets request->reason. It accepts an unknown method: no route has it. */
int http_request_read_line(HttpRequest *request, char *line, size_t size);

/* Reads the header fields after it, including the empty line. Returns 0 or a status as above. It
 * checks the framing as far as that does not depend on the route. */
int http_request_read_fields(HttpRequest *request, char *fields, size_t size);

/* Returns the value of the first field of this name, in any case; NULL: there is none. */
const char *http_request_field(const HttpRequest *request, const char *name);
