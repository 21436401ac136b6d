/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/io.h"
#include "serving/http-request.h"
#include "serving/http-response.h"
#include "serving/http.h"
#include "test.h"

/* The integration tests test the answers of the server with the real handlers. This file tests what
 * those cannot show: bodies, short timeouts, the callbacks, and handlers with defects. */

#define DEADLINE (now_monotonic() + 10 * USEC_PER_SEC)
#define POST     "POST /echo HTTP/1.1\r\nHost: x\r\n"

static unsigned n_begun, n_refused;
static int last_refused;

static void begin(HttpExchange *exchange, _unused_ void *userdata)
{
    ASSERT_EQ(strlen(http_request_id(exchange)), 16);
    n_begun++;
}

static void refused(_unused_ HttpExchange *exchange, int status, const char *reason,
                    _unused_ void *userdata)
{
    ASSERT_TRUE(reason);
    last_refused = status;
    n_refused++;
}

static void serve_echo(HttpExchange *exchange, void *userdata)
{
    const char *body, *again;
    size_t size;

    ASSERT_STREQ(userdata, "userdata");
    ASSERT_STREQ(http_method(exchange), "POST");
    ASSERT_EQ(http_peer(exchange)->sa.sa_family, AF_UNIX);
    if (http_read_body(exchange, &body, &size) < 0)
        return;
    ASSERT_OK(http_read_body(exchange, &again, &size));
    ASSERT_TRUE(body == again);
    ASSERT_EQ(strlen(body), size);
    http_reply(exchange,
               &(HttpResponse){ .status = 200, .type = "text/plain", .body = body, .size = size });
    http_reply_error(exchange, 500, 0, "A second response is dropped.");
}

static void serve_early(HttpExchange *exchange, _unused_ void *userdata)
{
    ASSERT_STREQ(http_header(exchange, "HOST"), "x");
    ASSERT_TRUE(!http_header(exchange, "nothing"));
    http_reply_error(exchange, 503, 7, "Try again.");
}

static void serve_nothing(_unused_ HttpExchange *exchange, _unused_ void *userdata)
{
}

static const HttpRoute routes[] = {
    { .path = "/echo", .methods = "POST", .has_body = true, .max_body = 100, .serve = serve_echo },
    { .path = "/early", .methods = "POST", .has_body = true, .max_body = 9, .serve = serve_early },
    { .path = "/nothing", .methods = "GET", .serve = serve_nothing },
};

static HttpServer server = {
    .routes = routes,
    .n_routes = ELEMENTSOF(routes),
    .limits = {
        .request_timeout = 10 * USEC_PER_SEC,
        .first_timeout = 10 * USEC_PER_SEC,
        .idle_timeout = 10 * USEC_PER_SEC,
        .write_timeout = 10 * USEC_PER_SEC,
        .requests_max = 3,
        .keep_alive_max = 60 * USEC_PER_SEC,
    },
    .begin = begin,
    .refused = refused,
    .userdata = (char[]){ "userdata" },
};

static pid_t serving;

/* Connects to a server in its own process. */
static int open_connection(void)
{
    int pair[2];

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    serving = fork();
    if (serving == 0) {
        (void)close(pair[0]);
        http_serve(pair[1], &server);
        exit(EXIT_SUCCESS);
    }
    (void)close(pair[1]);
    return pair[0];
}

static void send_text(int fd, const char *text)
{
    ASSERT_OK(write_all(fd, text, strlen(text), DEADLINE));
}

static void await_server(void)
{
    int status;

    ASSERT_EQ(waitpid(serving, &status, 0), serving);
    ASSERT_EQ(status, 0);
}

/* Reads until the server closes, into a static buffer. */
static const char *receive_all(int fd)
{
    static char text[65536];
    size_t size = 0;
    ssize_t n;

    do {
        ASSERT_OK(fd_wait(fd, POLLIN, DEADLINE));
        n = read(fd, text + size, sizeof(text) - 1 - size);
        ASSERT_TRUE(n >= 0);
        size += (size_t)n;
    } while (n > 0);
    text[size] = '\0';
    (void)close(fd);
    await_server();
    return text;
}

static const char *receive_some(int fd)
{
    static char text[4096];
    ssize_t n;

    ASSERT_OK(fd_wait(fd, POLLIN, DEADLINE));
    n = read(fd, text, sizeof(text) - 1);
    ASSERT_TRUE(n > 0);
    text[n] = '\0';
    return text;
}

static const char *ask(const char *request)
{
    int fd = open_connection();

    send_text(fd, request);
    ASSERT_OK(shutdown(fd, SHUT_WR));
    return receive_all(fd);
}

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool ends(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);

    return a >= b && streq(text + a - b, end);
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;

    for (const char *p = text; (p = strstr(p, part)); p++)
        n++;
    return n;
}

static void test_body(void)
{
    const char *answer = ask(POST "Content-Length: 5\r\n\r\nhello");

    ASSERT_TRUE(begins(answer, "HTTP/1.1 200 OK\r\n"));
    ASSERT_TRUE(ends(answer, "\r\n\r\nhello"));
    ASSERT_EQ(count(answer, "HTTP/1.1"), 1);
    ASSERT_TRUE(ends(ask(POST "Content-Length: 0\r\n\r\n"), "\r\n\r\n"));
}

static void test_body_in_pieces(void)
{
    int fd = open_connection();

    for (const char *p = POST "Content-Length: 5\r\n\r\nhello"; *p; p++)
        ASSERT_OK(write_all(fd, p, 1, DEADLINE));
    ASSERT_TRUE(ends(receive_some(fd), "hello"));
    ASSERT_OK(shutdown(fd, SHUT_WR));
    (void)receive_all(fd);
}

/* The bytes after a body are the next request; the third request is the last one. */
static void test_pipelining(void)
{
#define ONE POST "Content-Length: 3\r\n\r\none"
    const char *answer = ask(ONE ONE ONE ONE);

    ASSERT_EQ(count(answer, "HTTP/1.1 200"), 3);
    ASSERT_EQ(count(answer, "Connection: keep-alive"), 2);
    ASSERT_EQ(count(answer, "Connection: close"), 1);
    ASSERT_TRUE(ends(answer, "one"));
}

static void test_continue(void)
{
    int fd = open_connection();

    send_text(fd, POST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    ASSERT_STREQ(receive_some(fd), "HTTP/1.1 100 Continue\r\n\r\n");
    send_text(fd, "hello");
    ASSERT_OK(shutdown(fd, SHUT_WR));
    ASSERT_TRUE(ends(receive_all(fd), "hello"));
    /* No 100 Continue once the body has arrived, and never with HTTP/1.0. */
    ASSERT_EQ(count(ask(POST "Content-Length: 1\r\nExpect: 100-continue\r\n\r\nx"), " 100 "), 0);
    ASSERT_EQ(count(ask("POST /echo HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"),
                    " 100 "),
              0);
    ASSERT_TRUE(begins(ask("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                           "Expect: 100-continue\r\n\r\n"),
                       "HTTP/1.1 503 "));
}

static void test_early_answer(void)
{
    const char *answer = ask("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n" ONE);

    ASSERT_EQ(count(answer, "HTTP/1.1"), 1);
    ASSERT_TRUE(strstr(answer, "\r\nRetry-After: 7\r\n"));
    ASSERT_TRUE(strstr(answer, "\r\nRequest-Id: "));
    ASSERT_TRUE(strstr(answer, "\r\nConnection: close\r\n"));
    ASSERT_TRUE(strstr(answer, "\r\n\r\nTry again. (request "));
}

#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* A body in chunks is the same for the route, and the next request begins behind it. */
static void test_chunked(void)
{
    const char *answer = ask(CHUNKED "3\r\none\r\n3;x=\"y\"\r\ntwo\r\n0\r\nA: b\r\n\r\n" CHUNKED
                                     "5\r\nthree\r\n0\r\n\r\n");

    ASSERT_EQ(count(answer, "HTTP/1.1 200"), 2);
    ASSERT_TRUE(strstr(answer, "\r\n\r\nonetwoHTTP/1.1"));
    ASSERT_TRUE(strstr(answer, "\r\n\r\nthree"));
    answer = ask(POST "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
    ASSERT_TRUE(begins(answer, "HTTP/1.1 100 "));
}

static void test_framing(void)
{
    static const struct {
        const char *request;
        const char *status;
    } cases[] = {
        { POST "\r\n", "411" },
        { CHUNKED "0\r\n\r\n", "200" },
        { CHUNKED "1\r\nx\r\n00\r\n\r\n", "200" },
        { CHUNKED "1;a=b\r\nx\r\n0\r\nTrail: er\r\n\r\n", "200" },
        { CHUNKED "1\nx\n0\n\n", "400" },
        { CHUNKED "x\r\n\r\n", "400" },
        { CHUNKED "64\r\n" HUNDRED "\r\n0\r\n\r\n", "200" },
        { CHUNKED "65\r\n" HUNDRED "x\r\n0\r\n\r\n", "413" },
        { CHUNKED "64\r\n" HUNDRED "\r\n1\r\nx\r\n0\r\n\r\n", "413" },
        { POST "Transfer-Encoding: gzip\r\n\r\n", "501" },
        { POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", "400" },
        { POST "Content-Length: 101\r\n\r\n", "413" },
        { POST "Content-Length: 18446744073709551615\r\n\r\n", "400" },
        { POST "Content-Length: 9223372036854775807\r\n\r\n", "413" },
        { POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", "400" },
        { POST "Content-Length: 1 1\r\n\r\nx", "400" },
        { POST "Content-Length: -1\r\n\r\nx", "400" },
        { POST "Empty:\r\nContent-Length: 1\r\n\r\nx", "200" },
        { POST "Content-Length: 1\r\nEmpty: \r\n\r\nx", "200" },
        /* The framing must not depend on the field before Content-Length. */
        { "GET /nothing HTTP/1.1\r\nHost: x\r\nEmpty:\r\nContent-Length: 1\r\n\r\nx", "413" },
        { "GET /nothing HTTP/1.1\r\nHost: x\r\nEmpty:\r\nTransfer-Encoding: chunked\r\n\r\n",
          "400" },
        { POST "Content-Length:\r\nEmpty:\r\n\r\n", "400" },
        { "POST /echo?x HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", "200" },
        { "POST /echo/ HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", "404" },
        { "GET /echo HTTP/1.0\r\n\r\n", "405" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        const char *answer = ask(cases[i].request);

        if (!begins(answer, "HTTP/1.1 ") || !begins(answer + 9, cases[i].status)) {
            fprintf(stderr, "%s gave %s", cases[i].request, answer);
            exit(EXIT_FAILURE);
        }
    }
}

static void test_no_answer_is_500(void)
{
    ASSERT_TRUE(begins(ask("GET /nothing HTTP/1.0\r\n\r\n"), "HTTP/1.1 500 "));
}

static void test_client_gone(void)
{
    ASSERT_STREQ(ask(""), "");
    ASSERT_STREQ(ask("GET / HT"), "");
    ASSERT_STREQ(ask(POST "Content-Length: 5\r\n\r\nhel"), "");
}

static void test_timeouts(void)
{
    static const char *const requests[] = { "P", POST, POST "Content-Length: 5\r\n\r\nhel" };
    int fd;

    server.limits.request_timeout = 100 * USEC_PER_MSEC;
    for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
        const char *answer;

        fd = open_connection();
        send_text(fd, requests[i]);
        answer = receive_some(fd);
        ASSERT_TRUE(begins(answer, "HTTP/1.1 408 "));
        ASSERT_TRUE(strstr(answer, "Connection: close"));
        ASSERT_OK(shutdown(fd, SHUT_WR));
        (void)receive_all(fd);
    }
    server.limits.request_timeout = 10 * USEC_PER_SEC;
    /* No request, no response. */
    server.limits.first_timeout = 50 * USEC_PER_MSEC;
    fd = open_connection();
    ASSERT_STREQ(receive_all(fd), "");
    server.limits.first_timeout = 10 * USEC_PER_SEC;
    server.limits.idle_timeout = 50 * USEC_PER_MSEC;
    fd = open_connection();
    send_text(fd, ONE);
    ASSERT_TRUE(strstr(receive_all(fd), "keep-alive"));
    server.limits.idle_timeout = 10 * USEC_PER_SEC;
}

/* A connection older than keep_alive_max ends with the current response. */
static void test_keep_alive_max(void)
{
    int fd;

    server.limits.keep_alive_max = 0;
    fd = open_connection();
    send_text(fd, ONE ONE);
    ASSERT_TRUE(strstr(receive_all(fd), "Connection: close\r\n"));
    server.limits.keep_alive_max = 60 * USEC_PER_SEC;
}

/* A client that does not read its responses blocks the server for write_timeout at most. */
static void test_write_timeout(void)
{
    int pair[2], small = 1;
    char request[] = POST "Content-Length: 5\r\n\r\nhello";

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ASSERT_OK(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
    server.limits.write_timeout = 50 * USEC_PER_MSEC;
    server.limits.requests_max = 1000;
    for (size_t i = 0; i < 100; i++)
        send_text(pair[0], request);
    http_serve(pair[1], &server);
    server.limits.write_timeout = 10 * USEC_PER_SEC;
    server.limits.requests_max = 3;
    (void)close(pair[0]);
    (void)close(pair[1]);
}

/* Serves in this process, to count the callbacks. */
static void test_callbacks(void)
{
    int pair[2];

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    send_text(pair[0], ONE "GET /unknown HTTP/1.1\r\n\r\n");
    ASSERT_OK(shutdown(pair[0], SHUT_WR));
    n_begun = n_refused = 0;
    http_serve(pair[1], &server);
    ASSERT_EQ(n_begun, 2);
    ASSERT_EQ(n_refused, 1);
    ASSERT_EQ(last_refused, 404);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

/* SIGTERM (blocked) ends an idle connection at once, and a busy one after its request. */
static void test_sigterm(void)
{
    sigset_t signals;
    int fd;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    ASSERT_OK(sigprocmask(SIG_BLOCK, &signals, NULL));
    fd = open_connection();
    send_text(fd, ONE);
    ASSERT_TRUE(strstr(receive_some(fd), "keep-alive"));
    ASSERT_OK(kill(serving, SIGTERM));
    ASSERT_STREQ(receive_all(fd), "");

    fd = open_connection();
    send_text(fd, POST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    (void)receive_some(fd);
    ASSERT_OK(kill(serving, SIGTERM));
    send_text(fd, "hello" ONE);
    ASSERT_OK(shutdown(fd, SHUT_WR));
    ASSERT_EQ(count(receive_all(fd), "Connection: close"), 1);

    /* Accepted, but it has sent nothing yet. */
    fd = open_connection();
    ASSERT_OK(kill(serving, SIGTERM));
    ASSERT_EQ(fd_wait(fd, POLLIN, now_monotonic() + 50 * USEC_PER_MSEC), -ETIMEDOUT);
    send_text(fd, ONE);
    ASSERT_TRUE(strstr(receive_some(fd), "Connection: close"));
    ASSERT_OK(shutdown(fd, SHUT_WR));
    (void)receive_all(fd);
    ASSERT_OK(sigprocmask(SIG_UNBLOCK, &signals, NULL));
}

static void test_head_size(void)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\nbody";
    size_t line_size = 0, scanned = 0;

    for (size_t i = 0; i < STRLEN("GET / HTTP/1.1\r\nHost: x\r\n\r\n"); i++)
        ASSERT_EQ(http_head_size(head, i, &line_size, &scanned), 0);
    ASSERT_EQ(line_size, 16);
    ASSERT_EQ(http_head_size(head, strlen(head), &line_size, &scanned), 27);
    line_size = scanned = 0;
    ASSERT_EQ(http_head_size("\n", 1, &line_size, &scanned), -EBADMSG);
    line_size = scanned = 0;
    ASSERT_EQ(http_head_size("a\r\nb\n", 5, &line_size, &scanned), -EBADMSG);
    ASSERT_EQ(line_size, 3);
}

static void test_phrases(void)
{
    ASSERT_STREQ(http_status_phrase(429), "Too Many Requests");
    ASSERT_STREQ(http_status_phrase(299), "Unknown");
}

int main(void)
{
    test_head_size();
    test_phrases();
    test_body();
    test_body_in_pieces();
    test_pipelining();
    test_continue();
    test_early_answer();
    test_chunked();
    test_framing();
    test_no_answer_is_500();
    test_client_gone();
    test_timeouts();
    test_keep_alive_max();
    test_write_timeout();
    test_callbacks();
    test_sigterm();
    return EXIT_SUCCESS;
}
