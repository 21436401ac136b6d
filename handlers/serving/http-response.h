/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Responses on the wire (RFC 9112 §4). */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

typedef struct HttpResponse {
    int status;
    const char *type;    /* Content-Type, or NULL */
    const char *headers; /* further header lines, each ended by CRLF, or NULL */
    const void *body;
    size_t size;
    bool without_body; /* to HEAD: its length is said, the body is not sent */
    bool keep_alive;
} HttpResponse;

/* Sends it, in one piece where the socket takes it. 0, -ETIMEDOUT or -errno. */
int http_response_send(int fd, const HttpResponse *response, usec_t deadline);

/* Sends 100 Continue. */
int http_response_send_continue(int fd, usec_t deadline);

/* The reason phrase of a status (RFC 9110 §15): "Not Found"; static, never NULL. */
const char *http_status_phrase(int status);
