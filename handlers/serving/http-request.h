/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The head of a request: request line and header fields (RFC 9112 §3, §5), read in place. */

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_FIELDS_MAX 100U

typedef struct HttpField {
    char *name, *value;
    size_t name_length, value_length;
} HttpField;

typedef struct HttpRequest {
    http_parser parser;
    char *method; /* "" until the request line was read */
    char *path;   /* of the target, without query; "" until then */
    unsigned minor;
    bool keep_alive;
    bool has_length, has_transfer_encoding;
    uint64_t length;
    bool expects_continue;
    const char *reason; /* what is wrong, one static sentence */
    size_t n_fields;
    HttpField fields[HTTP_FIELDS_MAX]; /* last: only the first n_fields are initialised */
} HttpRequest;

void http_request_init(HttpRequest *request);

/**
 * http_head_size() - where a head ends
 * @line_size: set, once it is there, to the size of the request line with its CRLF; else 0
 * @scanned: how far earlier calls got, 0 at first
 *
 * Returns the size of the head with its empty line; 0 while it is incomplete; -EBADMSG for a line
 * that ends in a bare LF.
 */
int http_head_size(const char *data, size_t size, size_t *line_size, size_t *scanned);

/* Reads the request line, @size bytes with its CRLF. 0, or the HTTP status that refuses it, with
 * request->reason. A method nobody knows is let through: no route has it. */
int http_request_read_line(HttpRequest *request, char *line, size_t size);

/* Reads the fields behind it, up to and with the empty line. 0, or a status as above. Framing is
 * judged here as far as it does not depend on the route. */
int http_request_read_fields(HttpRequest *request, char *fields, size_t size);

const char *http_request_field(const HttpRequest *request, const char *name);
