/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Sends responses (RFC 9112 §4). */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

typedef struct HttpResponse {
    int status;
    const char *type;    /* Content-Type; NULL with an empty body */
    const char *headers; /* further header lines, each ended by CRLF, or NULL */
    const void *body;
    size_t size;
    bool without_body; /* for HEAD: send the length of the body, not the body */
    bool keep_alive;
} HttpResponse;

/* Sends a response, in one write where the socket takes it. Returns 0, -ETIMEDOUT or -errno. */
int http_response_send(int fd, const HttpResponse *response, usec_t deadline);

/* Sends 100 Continue. Returns as above. */
int http_response_send_continue(int fd, usec_t deadline);

/* Returns the reason phrase of a status (RFC 9110 §15), "Not Found"; static, never NULL. */
const char *http_status_phrase(int status);
