/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign/order-client.h"

#include <jansson.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "strings/encode.h"
#include "test-directory.h"
#include "test.h"

#define BODY "the request's\0bytes"

static char block_name[] = "block";
static const AuthBlock block = { .name = block_name };
static const SignRequest sign_request = {
    .body = BODY,
    .size = sizeof(BODY) - 1,
    .key = "0a",
    .auth = &block,
};
static OrderRequest request = {
    .request = &sign_request,
    .request_id = "0123",
    .client = "192.0.2.7",
    .client_fd = -EBADF,
};

/* How a fake orderd handles its connections. */
typedef void (*Script)(int listening);

static char *directory, *path;

static int listen_at(const char *where)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", where);
    ASSERT_TRUE(fd >= 0);
    (void)unlink(where);
    ASSERT_OK(bind(fd, (struct sockaddr *)&address, sizeof(address)));
    ASSERT_OK(listen(fd, 0));
    return fd;
}

/* Accepts a connection and reads its call, which must be the one made below. */
static int take_call(int listening)
{
    _cleanup_free_ uint8_t *body = NULL;
    char frame[4096];
    const char *auth, *csr, *id, *client;
    size_t n = 0, size;
    int fd = accept(listening, NULL, NULL);

    ASSERT_TRUE(fd >= 0);
    do {
        ASSERT_TRUE(n < sizeof(frame));
        ASSERT_EQ(read(fd, frame + n, 1), 1);
    } while (frame[n++] != '\0');

    json_auto_t *message = json_loads(frame, 0, NULL);
    ASSERT_STREQ(json_string_value(json_object_get(message, "method")), "io.acmems.Orders.Request");
    ASSERT_OK(json_unpack(json_object_get(message, "parameters"), "{s:s,s:s,s:s,s:s!}", "auth",
                          &auth, "csr", &csr, "requestId", &id, "client", &client));
    ASSERT_STREQ(auth, "block");
    ASSERT_STREQ(id, "0123");
    ASSERT_STREQ(client, "192.0.2.7");
    ASSERT_OK(base64_decode(csr, strlen(csr), &body, &size));
    ASSERT_EQ(size, sizeof(BODY) - 1);
    ASSERT_TRUE(memcmp(body, BODY, size) == 0);
    return fd;
}

static void say(int fd, const char *text, size_t size)
{
    ASSERT_EQ(send(fd, text, size, MSG_NOSIGNAL), size);
}

/* The NUL byte of the string literal ends the frame. */
#define SAY(fd, literal) say(fd, literal, sizeof(literal))

#define CHAIN   "{\"parameters\":{\"chain\":\"certificates\"}}"
#define FAILURE "{\"error\":\"io.acmems.Orders.OrderFailed\",\"parameters\":"

/* Runs the script in another process, and calls it. */
static int ask(Script script, usec_t timeout, OrderAnswer *answer)
{
    int listening = listen_at(path), status, r;
    pid_t pid = fork();

    ASSERT_TRUE(pid >= 0);
    if (pid == 0) {
        (void)alarm(60);
        script(listening);
        _exit(EXIT_SUCCESS);
    }
    safe_close(listening);
    r = order_request(path, &request, now_monotonic() + timeout, answer);
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0);
    return r;
}

static void answer_chain(int listening)
{
    SAY(take_call(listening), CHAIN);
}

static void answer_in_pieces(int listening)
{
    static const char text[] = CHAIN;
    int fd = take_call(listening);

    for (size_t i = 0; i < sizeof(text); i++) {
        say(fd, text + i, 1);
        (void)usleep(1000);
    }
}

static void test_chain(void)
{
    static const Script scripts[] = { answer_chain, answer_in_pieces };

    for (size_t i = 0; i < ELEMENTSOF(scripts); i++) {
        _cleanup_(order_answer_done) OrderAnswer answer = { 0 };

        ASSERT_OK(ask(scripts[i], 30 * USEC_PER_SEC, &answer));
        ASSERT_EQ(answer.status, 200);
        ASSERT_STREQ(answer.chain, "certificates");
        ASSERT_TRUE(!answer.reason);
    }
}

static void answer_failure(int listening)
{
    SAY(take_call(listening), FAILURE "{\"status\":429,\"reason\":\"Too many.\",\"retryAfter\":77,"
                                      "\"problem\":\"rateLimited\"}}");
}

static void test_failure(void)
{
    _cleanup_(order_answer_done) OrderAnswer answer = { 0 };

    ASSERT_OK(ask(answer_failure, 30 * USEC_PER_SEC, &answer));
    ASSERT_EQ(answer.status, 429);
    ASSERT_EQ(answer.retry_after, 77);
    ASSERT_STREQ(answer.reason, "Too many.");
    ASSERT_STREQ(answer.problem, "rateLimited");
    ASSERT_TRUE(!answer.chain);
}

/* orderd stops after the call, in the middle of its answer, and for a while. */
static void go_away_and_come_back(int listening)
{
    int fd = take_call(listening);

    safe_close(fd);
    fd = take_call(listening);
    say(fd, CHAIN, 10);
    safe_close(fd);
    fd = take_call(listening);
    safe_close(listening);
    safe_close(fd);
    (void)usleep(300000);
    answer_chain(listen_at(path));
}

static void test_orderd_comes_back(void)
{
    _cleanup_(order_answer_done) OrderAnswer answer = { 0 };

    ASSERT_OK(ask(go_away_and_come_back, 30 * USEC_PER_SEC, &answer));
    ASSERT_EQ(answer.status, 200);
}

#define DENIED "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}"

static void deny_call(int listening)
{
    SAY(take_call(listening), DENIED);
}

/* Closes the connection with the call unread, which resets it. */
static void deny_unread(int listening)
{
    int fd = accept(listening, NULL, NULL);

    ASSERT_TRUE(fd >= 0);
    (void)usleep(100000);
    SAY(fd, DENIED);
    safe_close(fd);
}

/* The call is larger than the buffer of the socket: writing it fails. */
static void test_denied_while_writing(void)
{
    static char body[1024 * 1024];
    const SignRequest large = { .body = body, .size = sizeof(body), .key = "0a", .auth = &block };
    const OrderRequest order = {
        .request = &large, .request_id = "0123", .client = "192.0.2.7", .client_fd = -EBADF
    };
    int listening = listen_at(path), status;
    OrderAnswer answer = { 0 };
    pid_t pid = fork();

    ASSERT_TRUE(pid >= 0);
    if (pid == 0) {
        (void)alarm(60);
        deny_unread(listening);
        _exit(EXIT_SUCCESS);
    }
    safe_close(listening);
    ASSERT_EQ(order_request(path, &order, now_monotonic() + 30 * USEC_PER_SEC, &answer), -EACCES);
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0);
}

/* orderd answers once and is not called again. */
static void test_denied(void)
{
    static const Script scripts[] = { deny_call, deny_unread };

    for (size_t i = 0; i < ELEMENTSOF(scripts); i++) {
        OrderAnswer answer = { 0 };

        ASSERT_EQ(ask(scripts[i], 30 * USEC_PER_SEC, &answer), -EACCES);
        ASSERT_EQ(answer.status, 0);
    }
    test_denied_while_writing();
}

/* A permanent fault does not cause a busy loop. */
static void drop_everything(int listening)
{
    usec_t until = now_monotonic() + USEC_PER_SEC;
    unsigned n = 0;

    for (; now_monotonic() < until; n++)
        safe_close(take_call(listening));
    ASSERT_TRUE(n > 1 && n < 20);
    safe_close(take_call(listening));
    safe_close(listening);
    (void)unlink(path);
}

static void test_orderd_that_drops_everything(void)
{
    OrderAnswer answer = { 0 };

    ASSERT_EQ(ask(drop_everything, 2 * USEC_PER_SEC, &answer), -ENOENT);
}

static void say_json_garbage(int listening)
{
    SAY(take_call(listening), "certificates");
}

static void say_nothing_of_use(int listening)
{
    SAY(take_call(listening), "{\"parameters\":{\"chain\":17}}");
}

static void fail_with_another_error(int listening)
{
    SAY(take_call(listening), "{\"error\":\"org.varlink.service.MethodNotFound\","
                              "\"parameters\":{\"method\":\"x\"}}");
}

static void fail_without_reason(int listening)
{
    SAY(take_call(listening), FAILURE "{\"status\":503}}");
}

static void fail_with_success(int listening)
{
    SAY(take_call(listening), FAILURE "{\"status\":200,\"reason\":\"Fine.\"}}");
}

static void say_without_end(int listening)
{
    int fd = take_call(listening);
    char much[65536];

    memset(much, ' ', sizeof(much));
    while (send(fd, much, sizeof(much), MSG_NOSIGNAL) > 0)
        ;
}

static void test_garbage(void)
{
    static const Script scripts[] = {
        say_json_garbage,    say_nothing_of_use, fail_with_another_error,
        fail_without_reason, fail_with_success,  say_without_end,
    };

    for (size_t i = 0; i < ELEMENTSOF(scripts); i++) {
        OrderAnswer answer = { 0 };

        ASSERT_EQ(ask(scripts[i], 30 * USEC_PER_SEC, &answer), -EBADMSG);
        ASSERT_EQ(answer.status, 0);
    }
}

static void say_nothing(int listening)
{
    char c;

    ASSERT_EQ(read(take_call(listening), &c, 1), 0);
}

/* Accepts no connection: the backlog is full, but the deadline still applies. */
static void test_timeout(void)
{
    OrderAnswer answer = { 0 };
    usec_t start = now_monotonic();
    int listening, r;

    ASSERT_EQ(ask(say_nothing, USEC_PER_SEC / 2, &answer), -ETIMEDOUT);
    listening = listen_at(path);
    for (size_t i = 0; i < 4; i++) {
        r = order_request(path, &request, now_monotonic() + USEC_PER_SEC / 4, &answer);
        ASSERT_TRUE(r == -ETIMEDOUT || r == -EAGAIN);
    }
    ASSERT_TRUE(now_monotonic() - start < 10 * USEC_PER_SEC);
    (void)close(listening);
}

/* A client that closes ends the call at once: while orderd is silent, and while it is not there. */
static void test_client_leaves(void)
{
    OrderAnswer answer = { 0 };
    int pair[2];

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    ASSERT_EQ(send(pair[1], "pipelined", 9, 0), 9); /* does not wake it up */
    request.client_fd = pair[0];
    ASSERT_EQ(ask(say_nothing, USEC_PER_SEC / 4, &answer), -ETIMEDOUT);
    (void)close(pair[1]);
    ASSERT_EQ(ask(say_nothing, USEC_INFINITY, &answer), -ECANCELED);
    ASSERT_OK(unlink(path));
    ASSERT_EQ(order_request(path, &request, USEC_INFINITY, &answer), -ECANCELED);
    (void)close(pair[0]);
    request.client_fd = -EBADF;
}

/* The same while orderd reads nothing, and the call is larger than the buffer of the socket. */
static void test_client_leaves_while_writing(void)
{
    static char body[1024 * 1024];
    const SignRequest large = { .body = body, .size = sizeof(body), .key = "0a", .auth = &block };
    OrderRequest order = { .request = &large, .request_id = "0123", .client = "192.0.2.7" };
    int listening = listen_at(path), pair[2];
    OrderAnswer answer = { 0 };

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    order.client_fd = pair[0];
    ASSERT_EQ(order_request(path, &order, now_monotonic() + USEC_PER_SEC / 4, &answer), -ETIMEDOUT);
    (void)close(pair[1]);
    (void)alarm(60);
    ASSERT_EQ(order_request(path, &order, USEC_INFINITY, &answer), -ECANCELED);
    (void)alarm(0);
    (void)close(pair[0]);
    (void)close(listening);
}

static void test_nobody_there(void)
{
    _cleanup_free_ char *nowhere = test_path(directory, "nowhere");
    OrderAnswer answer = { 0 };
    char much[200];

    ASSERT_EQ(order_request(nowhere, &request, now_monotonic() + USEC_PER_SEC / 4, &answer),
              -ENOENT);
    memset(much, 'x', sizeof(much) - 1);
    much[sizeof(much) - 1] = '\0';
    ASSERT_EQ(order_request(much, &request, now_monotonic() + USEC_PER_SEC, &answer),
              -ENAMETOOLONG);
}

int main(void)
{
    directory = test_directory_new();
    path = test_path(directory, "orderd.sock");
    test_chain();
    test_failure();
    test_orderd_comes_back();
    test_orderd_that_drops_everything();
    test_denied();
    test_garbage();
    test_timeout();
    test_client_leaves();
    test_client_leaves_while_writing();
    test_nobody_there();
    free(path);
    test_directory_freep(&directory);
    return 0;
}
