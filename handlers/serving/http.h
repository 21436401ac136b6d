/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* HTTP/1.0 and 1.1 as a server, one connection at a time (RFC 9112). Strict: what two programs
 * could read differently is refused. */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "serving/http-exchange.h"

#define HTTP_HEAD_SIZE_MAX 8192U

/* One resource. Its functions answer with http_reply() exactly once. */
typedef struct HttpRoute {
    const char *path; /* "/sign", or with is_prefix "/.well-known/acme-challenge/" */
    bool is_prefix;
    const char *methods; /* as Allow has it: "POST", "GET, HEAD" */
    bool has_body;       /* a Content-Length is asked for: 411 without */
    size_t max_body;     /* 413 past it */
    void (*serve)(HttpExchange *exchange, void *userdata);
} HttpRoute;

typedef struct HttpLimits {
    usec_t request_timeout; /* for a request whole, head and body, from its first byte */
    usec_t idle_timeout;    /* for the first byte of the next request */
    usec_t write_timeout;   /* for a response */
    unsigned requests_max;  /* on one connection */
    usec_t keep_alive_max;  /* after so long a connection ends with the answer in hand */
} HttpLimits;

#define HTTP_LIMITS_DEFAULT                                                                        \
    {                                                                                              \
        .request_timeout = 10 * USEC_PER_SEC, .idle_timeout = 10 * USEC_PER_SEC,                   \
        .write_timeout = 10 * USEC_PER_SEC, .requests_max = 100,                                   \
        .keep_alive_max = 60 * USEC_PER_SEC                                                        \
    }

typedef struct HttpServer {
    const HttpRoute *routes; /* the first that fits */
    size_t n_routes;
    HttpLimits limits;
    /* Called when a request came, before anything is answered: the place to log its id. Method and
     * path are "" where the request line could not be read; headers are not there yet. May be NULL.
     */
    void (*begin)(HttpExchange *exchange, void *userdata);
    /* Called with every error that the server itself answers (404, 405, 4xx of the framing), to log
     * it. May be NULL. */
    void (*refused)(HttpExchange *exchange, int status, const char *reason, void *userdata);
    void *userdata;
} HttpServer;

/**
 * http_serve() - serve one connection until it ends
 * @fd: connected stream socket, blocking or not; stays the caller's to close
 *
 * Keep-alive, pipelining, Expect: 100-continue, HEAD; a lingering close after an answer that came
 * before the request was read whole. SIGTERM, blocked by the caller (fork-server does that), ends
 * the connection at once while it waits for a next request, and else after the answer in hand; a
 * first request has a second to come. Returns when the connection is done.
 */
void http_serve(int fd, const HttpServer *server);

/* Reads the body whole: sends 100 Continue first where asked for. Borrowed until the exchange ends.
 * NUL-terminated behind its size. 0; -ETIMEDOUT, -ECONNRESET (client gone), -ENOMEM: return from
 * serve(), the answer, where one is due, is the server's. */
int http_read_body(HttpExchange *exchange, const char **ret, size_t *ret_size);
