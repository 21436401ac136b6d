/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One request and its response, as the functions of a route see them. Routes use the functions
 * below; the members belong to the server in http.c. */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "net/address.h"
#include "serving/http-request.h"
#include "serving/http-response.h"
#include "strings/host.h"

typedef struct HttpExchange {
    struct HttpConnection *connection;
    const struct HttpRoute *route; /* NULL until it is known */
    int fd;
    const SocketAddress *peer;
    usec_t deadline; /* for the whole request to arrive */
    usec_t write_timeout;
    usec_t keep_alive_until; /* 0: this is the connection's last exchange */
    char id[17];
    size_t line_size, head_size;
    char *body; /* NULL until it has been read */
    size_t body_size;
    bool replied;
    bool gone; /* the client cannot be reached any more */
    bool keep_alive;
    char sentence[192];  /* for .request.reason, where it names numbers */
    HttpRequest request; /* last: http_request_init() leaves most of it as it is */
} HttpExchange;

/* Makes a new request ID and leaves the rest empty. */
void http_exchange_init(HttpExchange *exchange);
void http_exchange_done(HttpExchange *exchange);

const char *http_method(const HttpExchange *exchange);
const char *http_path(const HttpExchange *exchange); /* without query string */
/* The first header of that name; NULL: there is none. */
const char *http_header(const HttpExchange *exchange, const char *name);
unsigned http_header_count(const HttpExchange *exchange, const char *name);
/* Whether the name of any header begins with this prefix. */
bool http_header_begins(const HttpExchange *exchange, const char *prefix);
/* The host that the request is for, as host_parse() writes it: from a target in absolute-form, else
 * from Host (RFC 9112 §3.2.2). 0; -EINVAL if it is no host, or if there is none. */
int http_host(const HttpExchange *exchange, char ret[HOST_SIZE]);
const SocketAddress *http_peer(const HttpExchange *exchange);
/* The connection of the client, to notice when it leaves. Borrowed. */
int http_client_fd(const HttpExchange *exchange);
/* Ends the exchange without a response: the client has left. */
void http_abandon(HttpExchange *exchange);
const char *http_request_id(const HttpExchange *exchange); /* 16 random hex digits */

/**
 * http_reply() - send the response
 * @response: .without_body and .keep_alive are ignored: they are set here
 *
 * To HEAD the length of the body is sent, the body is not. A second response is dropped. An error
 * while writing ends the connection.
 */
void http_reply(HttpExchange *exchange, const HttpResponse *response);

/* Sends a text/plain response: @sentence and the request ID, which is also in the header
 * Request-Id. @headers: further header lines, each ended by CRLF; or "". */
void http_reply_sentence(HttpExchange *exchange, int status, const char *headers,
                         const char *sentence);

/* The same with a Retry-After (s) where @retry_after is not 0. */
void http_reply_error(HttpExchange *exchange, int status, unsigned retry_after,
                      const char *sentence);
