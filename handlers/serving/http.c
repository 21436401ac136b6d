/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/http.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "admission/proxy-header.h"
#include "base/io.h"
#include "base/macro.h"
#include "log/log.h"
#include "serving/chunked.h"
#include "serving/http-response.h"
#include "serving/stop.h"

/* How long after SIGTERM an accepted client may take to send its first byte. */
#define DRAIN_TIMEOUT USEC_PER_SEC

static const HttpRefusal bare_line_feed = {
    400, "A line of the request head does not end in CR LF. End each line with CR LF."
};
static const HttpRefusal large_head = {
    431, "The request head is larger than 8 KiB. Send fewer or shorter header fields."
};
static const HttpRefusal no_length = {
    411, "The request has no Content-Length. Send the size of the body in bytes, or the body in "
         "chunks."
};
static const HttpRefusal bad_method = {
    405, "This method is not allowed for this path. Use one that the Allow header lists."
};
#define TOO_SLOW "The request did not arrive completely in time. Send it again."
static const HttpRefusal too_slow = { 408, TOO_SLOW };
static const HttpRefusal no_route = { 404, "There is nothing at this path. Check the URL." };
static const HttpRefusal bad_chunk = {
    400,
    "A chunk of the body is malformed, or its extensions or the trailers are too long. Send its "
    "size in hexadecimal digits, CR LF, its data, CR LF, and at the end a chunk of size 0."
};
static const HttpRefusal chunks_without_body = {
    400, "This request must not have a body. Send it without one."
};
static const HttpRefusal no_proxy_header = {
    400, "The connection does not begin with a PROXY header, which this server requires from your "
         "address. Enable the PROXY protocol in the front server."
};
static const HttpRefusal unexpected_body = {
    413, "This request must not have a body. Send it without one."
};

typedef struct HttpConnection {
    int fd;
    int signal_fd; /* readable while SIGTERM is pending */
    const HttpServer *server;
    SocketAddress peer;
    unsigned n_requests;
    usec_t keep_alive_until;
    bool linger;
    bool lacks_proxy_header;
    size_t filled;
    char buffer[HTTP_HEAD_SIZE_MAX]; /* a head and the bytes that arrived with it */
} HttpConnection;

/* Sends an error of the server itself. request.reason is the sentence. */
static void reply_refusal(HttpExchange *x, int status)
{
    const HttpServer *server = x->connection->server;
    char headers[64] = "";

    if (server->refused)
        server->refused(x, status, x->request.reason, server->userdata);
    if (status == 405)
        (void)snprintf(headers, sizeof(headers), "Allow: %s\r\n", x->route->methods);
    http_reply_sentence(x, status, headers, x->request.reason);
}

/* @size: "9000 bytes", as far as the client told it. Returns the status. */
static int refuse_large_body(HttpExchange *x, const char *size)
{
    (void)snprintf(x->sentence, sizeof(x->sentence),
                   "The request body has %s. This server accepts at most %zu (max-size in "
                   "acmems.ini). Send a smaller one.",
                   size, x->route->max_body);
    x->request.reason = x->sentence;
    return 413;
}

static int refuse_length(HttpExchange *x)
{
    char size[32];

    if (!x->route->has_body)
        return http_request_refuse(&x->request, &unexpected_body);
    (void)snprintf(size, sizeof(size), "%" PRIu64 " bytes", x->request.length);
    return refuse_large_body(x, size);
}

/* Requests */

static void drop_received(HttpConnection *c, size_t size)
{
    c->filled -= size;
    memmove(c->buffer, c->buffer + size, c->filled);
}

/* Adds what arrives to the buffer, which has room. Returns 0, -ETIMEDOUT, or -errno when the client
 * is gone. */
static int receive_some(HttpConnection *c, usec_t deadline)
{
    ssize_t n =
        receive_before(c->fd, c->buffer + c->filled, sizeof(c->buffer) - c->filled, deadline);

    if (n <= 0)
        return n < 0 ? (int)n : -ECONNRESET;
    c->filled += (size_t)n;
    return 0;
}

/* Looks for the end of the head in the bytes received so far. Returns the size of the head, or 0
 * while it is incomplete. Sets *ret_status to the HTTP status of a bad head. */
static int scan_head(HttpExchange *x, size_t *scanned, bool *skipped, int *ret_status)
{
    HttpConnection *c = x->connection;
    bool had_line = x->line_size > 0;
    int r = http_head_size(c->buffer, c->filled, &x->line_size, scanned);

    /* RFC 9112 §2.2: ignore one empty line in front of the request line. */
    if (x->line_size == STRLEN("\r\n") && !*skipped) {
        *skipped = true;
        drop_received(c, x->line_size);
        x->line_size = *scanned = 0;
        return scan_head(x, scanned, skipped, ret_status);
    }
    if (!had_line && x->line_size > 0)
        *ret_status = http_request_read_line(&x->request, c->buffer, x->line_size);
    if (*ret_status == 0 && r < 0)
        *ret_status = http_request_refuse(&x->request, &bare_line_feed);
    return r < 0 ? 0 : r;
}

/* Reads until the head is complete or is known to be bad. Returns 0, an HTTP status, or -errno when
 * the client is gone. */
static int receive_head(HttpExchange *x)
{
    HttpConnection *c = x->connection;
    size_t scanned = 0;
    bool skipped = false;

    for (;;) {
        int status = 0, size = scan_head(x, &scanned, &skipped, &status), r;

        if (status != 0)
            return status;
        if (size > 0) {
            x->head_size = (size_t)size;
            return 0;
        }
        if (c->filled == sizeof(c->buffer))
            return http_request_refuse(&x->request, &large_head);
        r = receive_some(c, x->deadline);
        if (r == -ETIMEDOUT)
            return http_request_refuse(&x->request, &too_slow);
        if (r < 0)
            return r;
    }
}

static const HttpRoute *find_route(const HttpServer *server, const char *path)
{
    for (size_t i = 0; i < server->n_routes; i++) {
        const HttpRoute *route = &server->routes[i];

        if (route->is_prefix ? strncmp(path, route->path, strlen(route->path)) == 0
                             : streq(path, route->path))
            return route;
    }
    return NULL;
}

/* @methods: as in the Allow header */
static bool is_method_allowed(const char *methods, const char *method)
{
    size_t length = strlen(method);

    for (const char *p = methods; *p; p += strspn(p, ", ")) {
        size_t n = strcspn(p, ", ");

        if (n == length && memcmp(p, method, n) == 0)
            return true;
        p += n;
    }
    return false;
}

static int http_judge_framing(HttpExchange *x)
{
    const HttpRequest *request = &x->request;

    if (request->is_chunked)
        return x->route->has_body ? 0 : http_request_refuse(&x->request, &chunks_without_body);
    if (x->route->has_body && !request->has_length)
        return http_request_refuse(&x->request, &no_length);
    if (request->length > x->route->max_body)
        return refuse_length(x);
    return 0;
}

/* Clients rely on the order of these checks. @status: the result of receive_head(). */
static int http_judge(HttpExchange *x, int status)
{
    HttpConnection *c = x->connection;

    if (status == 408 || *x->request.path == '\0')
        return status;
    x->route = find_route(c->server, x->request.path);
    if (!x->route)
        return http_request_refuse(&x->request, &no_route);
    if (!is_method_allowed(x->route->methods, x->request.method))
        return http_request_refuse(&x->request, &bad_method);
    if (status == 0)
        status = http_request_read_fields(&x->request, c->buffer + x->line_size,
                                          x->head_size - x->line_size);
    if (status == 0)
        status = http_judge_framing(x);
    return status;
}

/* The number of bytes of the body that arrived with the head. */
static size_t buffered_body(const HttpExchange *x)
{
    size_t buffered = x->connection->filled - x->head_size;

    return buffered < x->request.length ? buffered : (size_t)x->request.length;
}

/* RFC 9110 §10.1.1: unnecessary once part of the body has arrived. */
static int send_continue(HttpExchange *x)
{
    if (!x->request.expects_continue || x->connection->filled > x->head_size)
        return 0;
    return http_response_send_continue(x->connection->fd, x->deadline);
}

/* Decodes the bytes behind the head. They make room for more. Returns as chunked_read(). */
static int take_chunks(HttpExchange *x, Chunked *chunked, char *body)
{
    HttpConnection *c = x->connection;
    size_t taken;
    int r = chunked_read(chunked, c->buffer + x->head_size, c->filled - x->head_size, body,
                         x->route->max_body, &x->body_size, &taken);

    if (r < 0)
        return r;
    c->filled -= taken;
    memmove(c->buffer + x->head_size, c->buffer + x->head_size + taken, c->filled - x->head_size);
    return r;
}

/* Returns 0, an HTTP status, or -errno when the client is gone. */
static int receive_chunks(HttpExchange *x, char *body)
{
    HttpConnection *c = x->connection;
    Chunked chunked = { 0 };
    int r = send_continue(x);

    while (r >= 0) {
        r = take_chunks(x, &chunked, body);
        if (r == -EMSGSIZE)
            return refuse_large_body(x, "too many bytes");
        if (r < 0)
            return http_request_refuse(&x->request, &bad_chunk);
        if (r > 0)
            return 0;
        if (c->filled == sizeof(c->buffer))
            return http_request_refuse(&x->request, &large_head);
        r = receive_some(c, x->deadline);
    }
    return r;
}

static int receive_whole(HttpExchange *x, char *body, size_t size)
{
    size_t got = buffered_body(x);
    int r;

    memcpy(body, x->connection->buffer + x->head_size, got);
    r = send_continue(x);
    x->body_size = size;
    while (r >= 0 && got < size) {
        ssize_t n = receive_before(x->connection->fd, body + got, size - got, x->deadline);

        if (n > 0)
            got += (size_t)n;
        else
            r = n < 0 ? (int)n : -ECONNRESET;
    }
    return r;
}

static int receive_body(HttpExchange *x)
{
    size_t size = x->request.is_chunked ? x->route->max_body : (size_t)x->request.length;
    _cleanup_free_ char *body = malloc(size + 1);
    int r;

    if (!body)
        return -ENOMEM;
    r = x->request.is_chunked ? receive_chunks(x, body) : receive_whole(x, body, size);
    if (r == -ETIMEDOUT)
        r = http_request_refuse(&x->request, &too_slow);
    if (r > 0) {
        reply_refusal(x, r);
        return -EBADMSG;
    }
    if (r < 0) {
        x->gone = true;
        return -ECONNRESET;
    }
    body[x->body_size] = '\0';
    x->body = TAKE_PTR(body);
    return 0;
}

int http_read_body(HttpExchange *x, const char **ret, size_t *ret_size)
{
    int r = x->body ? 0 : receive_body(x);

    if (r < 0)
        return r;
    *ret = x->body;
    *ret_size = x->body_size;
    return 0;
}

/* Connections */

static void answer(HttpExchange *x, int status)
{
    const HttpServer *server = x->connection->server;

    if (server->begin)
        server->begin(x, server->userdata);
    status = http_judge(x, status);
    if (status != 0)
        reply_refusal(x, status);
    else {
        x->route->serve(x, server->userdata);
        if (!x->replied && !x->gone)
            http_reply_error(
                x, 500, 0,
                "The server failed to answer this request. The server's journal says why.");
    }
}

/* Serves one request. Returns whether the connection stays open. */
static bool serve_request(HttpConnection *c)
{
    const HttpLimits *limits = &c->server->limits;
    HttpExchange x;
    int status;

    http_exchange_init(&x);
    c->n_requests++;
    x.connection = c;
    x.fd = c->fd;
    x.peer = &c->peer;
    x.deadline = now_monotonic() + limits->request_timeout;
    x.write_timeout = limits->write_timeout;
    x.keep_alive_until = c->n_requests < limits->requests_max ? c->keep_alive_until : 0;
    status = c->lacks_proxy_header ? http_request_refuse(&x.request, &no_proxy_header)
                                   : receive_head(&x);
    if (status < 0)
        return false;
    answer(&x, status);
    http_exchange_done(&x);
    if (!x.keep_alive || x.gone) {
        c->linger = x.replied && !x.gone;
        return false;
    }
    drop_received(c, x.head_size + buffered_body(&x));
    return true;
}

/* Waits for the next request. Returns whether it, or the client's end of file, has arrived. */
static bool wait_for_request(HttpConnection *c)
{
    const HttpLimits *limits = &c->server->limits;
    usec_t deadline =
        now_monotonic() + (c->n_requests == 0 ? limits->first_timeout : limits->idle_timeout);
    struct pollfd polls[] = {
        { .fd = c->fd, .events = POLLIN },
        { .fd = c->signal_fd, .events = POLLIN },
    };
    int r;

    if (c->filled > 0)
        return true;
    do
        r = poll(polls, ELEMENTSOF(polls), deadline_to_poll(deadline));
    while (r < 0 && errno == EINTR);
    if (r <= 0)
        return false;
    if (polls[0].revents)
        return true;
    /* A client whose connection was accepted does not know that the service is stopping. */
    return c->n_requests == 0 && fd_wait(c->fd, POLLIN, now_monotonic() + DRAIN_TIMEOUT) == 0;
}

/* Takes the PROXY header from the received bytes. Returns 0; -EBADMSG if there is none; -errno. */
static int receive_proxy_header(HttpConnection *c)
{
    usec_t deadline = now_monotonic() + c->server->limits.request_timeout;

    for (;;) {
        SocketAddress client;
        int size = proxy_header_read(c->buffer, c->filled, &client), r;

        if (size > 0) {
            drop_received(c, (size_t)size);
            if (client.sa.sa_family != AF_UNSPEC)
                c->peer = client;
            return 0;
        }
        if (size < 0)
            return size;
        r = receive_some(c, deadline);
        if (r < 0)
            return r;
    }
}

/* Finds out who the client is. Returns whether the connection goes on. */
static bool identify_client(HttpConnection *c)
{
    char peer[INET6_ADDRSTRLEN];
    int r;

    if (!front_servers_have(&c->server->front, &c->peer))
        return true;
    r = wait_for_request(c) ? receive_proxy_header(c) : -ETIMEDOUT;
    c->lacks_proxy_header = r == -EBADMSG;
    if (c->lacks_proxy_header)
        log_event(
            LOG_EVENT_PROXY_HEADER_MISSING, NULL,
            "A connection from %s does not begin with a PROXY header, which proxy-protocol in "
            "acmems.ini requires from this address",
            socket_address_format(&c->peer, peer));
    return r >= 0 || c->lacks_proxy_header;
}

void http_serve(int fd, const HttpServer *server)
{
    HttpConnection c;

    memset(&c, 0, offsetof(HttpConnection, buffer));
    c.fd = fd;
    c.server = server;
    c.keep_alive_until = now_monotonic() + server->limits.keep_alive_max;
    /* On failure this is negative, and poll() ignores it. */
    c.signal_fd = stop_open_fd();
    if (socket_peer(fd, &c.peer) < 0)
        c.peer.sa.sa_family = AF_UNSPEC;
    if (identify_client(&c))
        while (wait_for_request(&c) && serve_request(&c))
            ;
    if (c.linger)
        socket_linger(c.fd);
    (void)safe_close(c.signal_fd);
}

static void send_at_once(int fd, int status, const char *headers, const char *sentence)
{
    (void)http_response_send(fd,
                             &(HttpResponse){ .status = status,
                                              .type = "text/plain; charset=utf-8",
                                              .headers = headers,
                                              .body = sentence,
                                              .size = strlen(sentence) },
                             now_monotonic());
}

void http_turn_away_crowded(int fd)
{
    send_at_once(fd, 503, "Retry-After: 10\r\n",
                 "Too many connections to this server are open, from your address or in all. Try "
                 "again later.\n");
}

void http_turn_away_late(int fd)
{
    send_at_once(fd, too_slow.status, NULL, TOO_SLOW "\n");
}
