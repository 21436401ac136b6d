/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/http-exchange.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/macro.h"

static void make_request_id(char id[17])
{
    uint64_t random = 0;

    /* getrandom() cannot fail for so few bytes once the machine is up, and no secret depends on
     * it. */
    (void)!getrandom(&random, sizeof(random), 0);
    (void)snprintf(id, 17, "%016" PRIx64, random);
}

void http_exchange_init(HttpExchange *x)
{
    memset(x, 0, offsetof(HttpExchange, request));
    http_request_init(&x->request);
    make_request_id(x->id);
}

void http_exchange_done(HttpExchange *x)
{
    free(x->body);
}

const char *http_method(const HttpExchange *x)
{
    return x->request.method;
}

const char *http_path(const HttpExchange *x)
{
    return x->request.path;
}

const char *http_header(const HttpExchange *x, const char *name)
{
    return http_request_field(&x->request, name);
}

unsigned http_header_count(const HttpExchange *x, const char *name)
{
    return http_fields_count(&x->request.fields, name);
}

bool http_header_begins(const HttpExchange *x, const char *prefix)
{
    return http_fields_have_prefix(&x->request.fields, prefix);
}

int http_host(const HttpExchange *x, char ret[HOST_SIZE])
{
    const char *value = str_or(x->request.authority, http_header(x, "Host"));

    return value ? host_parse_header(value, ret) : -EINVAL;
}

const SocketAddress *http_peer(const HttpExchange *x)
{
    return x->peer;
}

int http_client_fd(const HttpExchange *x)
{
    return x->fd;
}

void http_abandon(HttpExchange *x)
{
    x->gone = true;
}

const char *http_request_id(const HttpExchange *x)
{
    return x->id;
}

static bool is_terminating(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1;
}

static bool is_body_pending(const HttpExchange *x)
{
    return (x->request.length > 0 || x->request.is_chunked) && !x->body;
}

static bool may_keep_alive(const HttpExchange *x)
{
    return x->request.fields.keep_alive && !x->request.reason && !is_body_pending(x) &&
           now_monotonic() < x->keep_alive_until && !is_terminating();
}

void http_reply(HttpExchange *x, const HttpResponse *response)
{
    HttpResponse sent = *response;

    if (x->replied || x->gone)
        return;
    x->replied = true;
    x->keep_alive = may_keep_alive(x);
    sent.without_body = streq(x->request.method, "HEAD");
    sent.keep_alive = x->keep_alive;
    if (http_response_send(x->fd, &sent, now_monotonic() + x->write_timeout) < 0)
        x->gone = true;
}

void http_reply_sentence(HttpExchange *x, int status, const char *headers, const char *sentence)
{
    _cleanup_free_ char *lines = NULL, *text = NULL;
    int size;

    if (asprintf(&lines, "Request-Id: %s\r\n%s", x->id, headers) < 0) {
        lines = NULL;
        return;
    }
    size = asprintf(&text, "%s (request %s)\n", sentence, x->id);
    if (size < 0) {
        text = NULL;
        return;
    }
    http_reply(x, &(HttpResponse){ .status = status,
                                   .type = "text/plain; charset=utf-8",
                                   .headers = lines,
                                   .body = text,
                                   .size = (size_t)size });
}

void http_reply_error(HttpExchange *x, int status, unsigned retry_after, const char *sentence)
{
    char headers[64] = "";

    if (retry_after > 0)
        (void)snprintf(headers, sizeof(headers), "Retry-After: %u\r\n", retry_after);
    http_reply_sentence(x, status, headers, sentence);
}
