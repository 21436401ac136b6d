/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* An HTTP/1.0 and HTTP/1.1 server for one connection (RFC 9112). It is strict: it refuses every
 * request that two programs could read differently. */

#include <stdbool.h>
#include <stddef.h>

#include "admission/front-server.h"
#include "admission/turns.h"
#include "base/clock.h"
#include "serving/http-exchange.h"

#define HTTP_HEAD_SIZE_MAX 8192U

/* One resource. serve() calls http_reply() or http_reply_error() exactly once. */
typedef struct HttpRoute {
    const char *path; /* "/sign", or with is_prefix "/.well-known/acme-challenge/" */
    bool is_prefix;
    const char *methods; /* as in the Allow header: "POST", "GET, HEAD" */
    bool has_body;       /* requires a Content-Length, else 411 */
    size_t max_body;     /* bytes; above it 413 */
    void (*serve)(HttpExchange *exchange, void *userdata);
} HttpRoute;

/* Limits of one connection. */
typedef struct HttpLimits {
    usec_t request_timeout; /* for a whole request, head and body, from its first byte */
    usec_t first_timeout;   /* for the first byte of the connection */
    usec_t idle_timeout;    /* for the first byte of the next request */
    usec_t write_timeout;   /* for a response */
    unsigned requests_max;  /* on one connection */
    usec_t keep_alive_max;  /* after this time the connection ends with the current response */
} HttpLimits;

#define HTTP_LIMITS_DEFAULT                                                                        \
    {                                                                                              \
        .request_timeout = 10 * USEC_PER_SEC, .first_timeout = TURNS_SILENT_MAX,                   \
        .idle_timeout = 10 * USEC_PER_SEC, .write_timeout = 10 * USEC_PER_SEC,                     \
        .requests_max = 100, .keep_alive_max = 60 * USEC_PER_SEC                                   \
    }

typedef struct HttpServer {
    const HttpRoute *routes; /* the first match is used */
    size_t n_routes;
    HttpLimits limits;
    FrontServers front; /* a PROXY header of others is no request, and is refused */
    /* Called for each request before its response: the place to log its ID. Method and path are ""
     * when the request line is unreadable; headers are not read yet. May be NULL. */
    void (*begin)(HttpExchange *exchange, void *userdata);
    /* Called for every error that the server itself detects (404, 405, 4xx of the framing), to log
     * it. May be NULL. */
    void (*refused)(HttpExchange *exchange, int status, const char *reason, void *userdata);
    void *userdata;
} HttpServer;

/**
 * http_serve() - serve one connection until it ends
 * @fd: connected stream socket, blocking or not; the caller closes it
 *
 * Supports keep-alive, pipelining, Expect: 100-continue and HEAD, and a lingering close after a
 * response that was sent before the whole request was read. The caller must have blocked SIGTERM
 * (fork-server does). SIGTERM ends the connection at once while it waits for a next request, else
 * after the current response; the first request may take one more second to arrive. Returns when
 * the connection has ended.
 */
void http_serve(int fd, const HttpServer *server);

/* Answer a connection that will not be served, as far as its socket has room, without reading a
 * request: with 503 because too many are open, and with 408 because it did not arrive in time. */
void http_turn_away_crowded(int fd);
void http_turn_away_late(int fd);

/**
 * http_read_body() - read the whole body, after sending 100 Continue where the client expects it
 * @ret: the body, NUL-terminated after @ret_size bytes; borrowed until the exchange ends
 *
 * Returns 0; -EBADMSG (the body is refused), -ECONNRESET (the client is gone) or -ENOMEM: return
 * from serve() then, the server sends a response where one is due.
 */
int http_read_body(HttpExchange *exchange, const char **ret, size_t *ret_size);
