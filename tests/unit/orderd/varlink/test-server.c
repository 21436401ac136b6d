/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "varlink/server.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "test-directory.h"
#include "test.h"
#include "varlink/limits.h"

#define FRAME_MAX 4096U
#define PATIENCE  (10 * USEC_PER_SEC)

/* A server, and what its methods record. */
typedef struct Bed {
    sd_event *event;
    VarlinkServer *server;
    char *directory;
    struct sockaddr_un address;
    VarlinkCall *waiting; /* the call of Wait that is not answered yet */
    unsigned n_gone;
    bool idle;
} Bed;

static void method_echo(VarlinkCall *call, const json_t *parameters, void *userdata)
{
    (void)userdata;
    varlink_reply(call, json_pack("{sO?}", "echo", parameters));
}

static void on_gone(void *userdata)
{
    Bed *bed = userdata;

    bed->waiting = NULL;
    bed->n_gone++;
}

static void method_wait(VarlinkCall *call, const json_t *parameters, void *userdata)
{
    Bed *bed = userdata;

    (void)parameters;
    bed->waiting = call;
    varlink_call_set_gone(call, on_gone, bed);
}

static void method_refuse(VarlinkCall *call, const json_t *parameters, void *userdata)
{
    (void)parameters;
    (void)userdata;
    varlink_error(call, "org.example.Test.Refused", json_pack("{si}", "status", 403));
}

static void method_peer(VarlinkCall *call, const json_t *parameters, void *userdata)
{
    const VarlinkPeer *peer = varlink_call_peer(call);

    (void)parameters;
    (void)userdata;
    varlink_reply(
        call, json_pack("{s{si}}", "echo", "n", peer->pid == getpid() && peer->uid == geteuid()));
}

static const VarlinkMethod methods[] = {
    { "org.example.Test.Peer", method_peer },
    { "org.example.Test.Echo", method_echo },
    { "org.example.Test.Wait", method_wait },
    { "org.example.Test.Refuse", method_refuse },
};

static size_t frame_max = FRAME_MAX;

static size_t get_frame_max(void *userdata)
{
    (void)userdata;
    return frame_max;
}

static const VarlinkInterface interface = {
    .name = "org.example.Test",
    .description = "interface org.example.Test\n",
    .methods = methods,
    .n_methods = ELEMENTSOF(methods),
    .busy = "{\"error\":\"org.example.Test.Busy\",\"parameters\":{}}",
    .get_frame_max = get_frame_max,
};

static void bed_make(Bed *bed)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *bed = (Bed){ .directory = test_directory_new(), .address.sun_family = AF_UNIX };
    (void)snprintf(bed->address.sun_path, sizeof(bed->address.sun_path), "%s/s", bed->directory);
    ASSERT_TRUE(fd >= 0);
    ASSERT_OK(bind(fd, (struct sockaddr *)&bed->address, sizeof(bed->address)));
    ASSERT_OK(listen(fd, 16));
    ASSERT_OK(sd_event_new(&bed->event));
    ASSERT_OK(varlink_server_new(bed->event, fd, &interface, bed, &bed->server));
}

static void bed_done(Bed *bed)
{
    varlink_server_free(bed->server);
    sd_event_unref(bed->event);
    test_directory_freep(&bed->directory);
}

static int connect_to(const Bed *bed)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ASSERT_TRUE(fd >= 0);
    ASSERT_OK(connect(fd, (const struct sockaddr *)&bed->address, sizeof(bed->address)));
    return fd;
}

/* Runs the server until it has nothing to do. */
static void settle(const Bed *bed)
{
    for (;;) {
        int r = sd_event_run(bed->event, 0);

        ASSERT_TRUE(r >= 0);
        if (r == 0)
            return;
    }
}

static void send_bytes(const Bed *bed, int fd, const void *data, size_t size)
{
    const char *p = data;

    while (size > 0) {
        ssize_t n = send(fd, p, size, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            settle(bed);
            continue;
        }
        ASSERT_TRUE(n > 0);
        p += n;
        size -= (size_t)n;
    }
}

/* The NUL byte of the literal ends the frame. */
#define SEND(bed, fd, literal) send_bytes(bed, fd, literal, sizeof(literal))

/* Returns the next frame; NULL at the end of the connection. Reads byte by byte, so that it takes
 * nothing of the following frame. */
static json_t *receive(const Bed *bed, int fd)
{
    usec_t deadline = now_monotonic() + PATIENCE;
    static char frame[65536];
    size_t n = 0;

    for (;;) {
        ssize_t k = recv(fd, frame + n, 1, 0);

        if (k < 0 && errno == EAGAIN) {
            ASSERT_TRUE(now_monotonic() < deadline);
            ASSERT_TRUE(sd_event_run(bed->event, 1000) >= 0);
            continue;
        }
        if (k == 0 || (k < 0 && errno == ECONNRESET))
            return NULL;
        ASSERT_EQ(k, 1);
        if (frame[n++] == '\0')
            break;
        ASSERT_TRUE(n < sizeof(frame));
    }
    json_t *message = json_loads(frame, 0, NULL);
    ASSERT_TRUE(message);
    return message;
}

static bool is_silent(const Bed *bed, int fd)
{
    char c;

    settle(bed);
    return recv(fd, &c, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

static void assert_parameter(const Bed *bed, int fd, const char *key, const char *value)
{
    json_auto_t *message = receive(bed, fd);

    ASSERT_STREQ(json_string_value(json_object_get(json_object_get(message, "parameters"), key)),
                 value);
}

static void assert_error(const Bed *bed, int fd, const char *error)
{
    json_auto_t *message = receive(bed, fd);

    ASSERT_STREQ(json_string_value(json_object_get(message, "error")), error);
    ASSERT_TRUE(json_is_object(json_object_get(message, "parameters")));
}

static void assert_echo(const Bed *bed, int fd, int value)
{
    json_auto_t *message = receive(bed, fd);
    const json_t *echo = json_object_get(json_object_get(message, "parameters"), "echo");

    ASSERT_TRUE(!json_object_get(message, "error"));
    ASSERT_EQ(json_integer_value(json_object_get(echo, "n")), value);
}

#define CALL(method) "{\"method\":\"" method "\"}"
#define ECHO_CALL(n) "{\"method\":\"org.example.Test.Echo\",\"parameters\":{\"n\":" #n "}}"
#define DESCRIBE(name)                                                                             \
    "{\"method\":\"org.varlink.service.GetInterfaceDescription\","                                 \
    "\"parameters\":{\"interface\":\"" name "\"}}"

static void test_service(Bed *bed)
{
    _cleanup_close_ int fd = connect_to(bed);

    SEND(bed, fd, CALL("org.varlink.service.GetInfo"));
    assert_parameter(bed, fd, "product", "acmems-orderd");
    SEND(bed, fd, DESCRIBE("org.example.Test"));
    assert_parameter(bed, fd, "description", "interface org.example.Test\n");
    SEND(bed, fd, DESCRIBE("org.varlink.service"));
    json_auto_t *message = receive(bed, fd);
    ASSERT_TRUE(json_object_get(json_object_get(message, "parameters"), "description"));
    SEND(bed, fd, DESCRIBE("org.example.Other"));
    assert_error(bed, fd, "org.varlink.service.InterfaceNotFound");
    SEND(bed, fd, CALL("org.varlink.service.GetInterfaceDescription"));
    assert_error(bed, fd, "org.varlink.service.InvalidParameter");
    SEND(bed, fd, CALL("org.example.Test.Nothing"));
    assert_error(bed, fd, "org.varlink.service.MethodNotFound");
    SEND(bed, fd, CALL("org.example.Test.Refuse"));
    assert_error(bed, fd, "org.example.Test.Refused");
}

static void test_peer(Bed *bed)
{
    _cleanup_close_ int fd = connect_to(bed);

    SEND(bed, fd, CALL("org.example.Test.Peer"));
    assert_echo(bed, fd, 1);
}

static void test_frame_in_pieces(Bed *bed)
{
    static const char call[] = ECHO_CALL(7);
    _cleanup_close_ int fd = connect_to(bed);

    for (size_t i = 0; i < sizeof(call); i++) {
        ASSERT_TRUE(is_silent(bed, fd));
        send_bytes(bed, fd, call + i, 1);
    }
    assert_echo(bed, fd, 7);
}

static void test_several_calls_at_once(Bed *bed)
{
    _cleanup_close_ int fd = connect_to(bed);

    SEND(bed, fd, ECHO_CALL(1) "\0" ECHO_CALL(2) "\0{\"method\":\"org.ex");
    assert_echo(bed, fd, 1);
    assert_echo(bed, fd, 2);
    ASSERT_TRUE(!receive(bed, fd)); /* a frame that ends in the middle of its JSON is no call */
}

/* Calls behind an open one wait for its answer. */
static void test_calls_behind_an_open_one(Bed *bed)
{
    _cleanup_close_ int fd = connect_to(bed);

    SEND(bed, fd, CALL("org.example.Test.Wait") "\0" ECHO_CALL(3));
    ASSERT_TRUE(is_silent(bed, fd));
    ASSERT_TRUE(bed->waiting);
    varlink_reply(TAKE_PTR(bed->waiting), json_pack("{ss}", "waited", "yes"));
    assert_parameter(bed, fd, "waited", "yes");
    assert_echo(bed, fd, 3);
}

static void test_oneway(Bed *bed)
{
    _cleanup_close_ int fd = connect_to(bed);

    SEND(bed, fd, "{\"method\":\"org.example.Test.Wait\",\"oneway\":true}\0" ECHO_CALL(4));
    ASSERT_TRUE(is_silent(bed, fd));
    varlink_reply(TAKE_PTR(bed->waiting), json_object());
    assert_echo(bed, fd, 4);
}

static void test_caller_goes_away(Bed *bed)
{
    unsigned before = bed->n_gone;
    int fd = connect_to(bed);

    SEND(bed, fd, CALL("org.example.Test.Wait"));
    ASSERT_TRUE(is_silent(bed, fd));
    ASSERT_TRUE(bed->waiting);
    safe_close(fd);
    settle(bed);
    ASSERT_EQ(bed->n_gone, before + 1);
    ASSERT_TRUE(varlink_server_is_idle(bed->server));
}

static void test_garbage(Bed *bed)
{
    static const char *const garbage[] = {
        "",
        "GET / HTTP/1.1",
        "[]",
        "{}",
        "{\"method\":1}",
        "{\"method\":\"org.example.Test.Echo\",\"parameters\":[]}",
        "{\"method\":\"\xff\"}",
    };

    for (size_t i = 0; i < ELEMENTSOF(garbage); i++) {
        _cleanup_close_ int fd = connect_to(bed);

        send_bytes(bed, fd, garbage[i], strlen(garbage[i]) + 1);
        ASSERT_TRUE(!receive(bed, fd));
    }
}

/* A call of the largest size is accepted; one byte more is not, with or without its end. */
static void test_frame_size(Bed *bed)
{
    static const char call[] = CALL("org.example.Test.Refuse");
    char frame[FRAME_MAX + 2];

    for (size_t size = FRAME_MAX; size <= FRAME_MAX + 1; size++)
        for (size_t end = 0; end <= 1; end++) {
            _cleanup_close_ int fd = connect_to(bed);

            memset(frame, ' ', sizeof(frame));
            memcpy(frame, call, strlen(call));
            frame[size] = '\0';
            send_bytes(bed, fd, frame, size + end);
            if (size > FRAME_MAX)
                ASSERT_TRUE(!receive(bed, fd));
            else if (end)
                assert_error(bed, fd, "org.example.Test.Refused");
            else
                ASSERT_TRUE(is_silent(bed, fd));
        }
}

/* The limit may change while the server runs. */
static void test_frame_size_changes(Bed *bed)
{
    static const char call[] = CALL("org.example.Test.Refuse");
    char frame[2 * FRAME_MAX];
    _cleanup_close_ int before = connect_to(bed);

    memset(frame, ' ', sizeof(frame));
    memcpy(frame, call, strlen(call));
    frame[sizeof(frame) - 1] = '\0';
    settle(bed);
    frame_max = sizeof(frame);
    send_bytes(bed, before, frame, sizeof(frame));
    assert_error(bed, before, "org.example.Test.Refused");
    frame_max = FRAME_MAX;
    _cleanup_close_ int after = connect_to(bed);
    settle(bed);
    (void)send(after, frame, sizeof(frame), MSG_NOSIGNAL);
    ASSERT_TRUE(!receive(bed, after));
}

/* Sends @size spaces, the beginning of a call. False: the server closed the connection. */
static bool send_spaces(const Bed *bed, int fd, size_t size)
{
    static char spaces[65536];

    memset(spaces, ' ', sizeof(spaces));
    while (size > 0) {
        ssize_t n = send(fd, spaces, size < sizeof(spaces) ? size : sizeof(spaces), MSG_NOSIGNAL);

        if (n < 0 && errno != EAGAIN)
            return false;
        if (n < 0)
            settle(bed);
        else
            size -= (size_t)n;
    }
    settle(bed);
    return true;
}

/* Incomplete calls may use so much memory in all: then the largest ends, and the others go on. */
static void test_buffered(Bed *bed)
{
    _cleanup_close_ int small = connect_to(bed), large = connect_to(bed);

    frame_max = VARLINK_INCOMING_MAX;
    ASSERT_TRUE(send_spaces(bed, small, VARLINK_INCOMING_MAX / 16));
    ASSERT_TRUE(send_spaces(bed, large, VARLINK_INCOMING_MAX / 4));
    ASSERT_TRUE(is_silent(bed, large));
    ASSERT_TRUE(!send_spaces(bed, large, VARLINK_INCOMING_MAX * 3 / 4) || !receive(bed, large));
    SEND(bed, small, ECHO_CALL(8));
    assert_echo(bed, small, 8);
    frame_max = FRAME_MAX;
}

/* A caller that sends without reading is paused, and gets every answer when it reads. */
static void test_caller_that_does_not_read(Bed *bed)
{
    static const char call[] = CALL("org.varlink.service.GetInfo");
    _cleanup_close_ int fd = connect_to(bed);
    size_t sent = 0, offset = 0;

    for (;;) {
        ssize_t n = send(fd, call + offset, sizeof(call) - offset, MSG_NOSIGNAL);

        if (n < 0) {
            ASSERT_EQ(errno, EAGAIN);
            settle(bed);
            n = send(fd, call + offset, sizeof(call) - offset, MSG_NOSIGNAL);
            if (n < 0)
                break;
        }
        offset = (offset + (size_t)n) % sizeof(call);
        sent += offset == 0;
        ASSERT_TRUE(sent < 1000000);
    }
    for (size_t i = 0; i < sent; i++)
        assert_parameter(bed, fd, "product", "acmems-orderd");
}

/* Connects as another user without groups. */
static int connect_as(const Bed *bed, uid_t id)
{
    int fd;

    ASSERT_OK(chmod(bed->directory, 0755));
    ASSERT_OK(chmod(bed->address.sun_path, 0666));
    ASSERT_OK(setgroups(0, NULL));
    ASSERT_OK(setegid(id));
    ASSERT_OK(seteuid(id));
    fd = connect_to(bed);
    ASSERT_OK(seteuid(0));
    ASSERT_OK(setegid(0));
    return fd;
}

/* The error arrives whether the peer calls before the server refuses it, or after, or never; then
 * the connection is closed. Only root can connect as another user. */
static void test_refused_peer(Bed *bed)
{
    static const char call[] = CALL("org.varlink.service.GetInfo");

    if (geteuid() != 0)
        return;
    for (size_t i = 0; i < 3; i++) {
        _cleanup_close_ int fd = connect_as(bed, 4242);

        if (i == 0)
            SEND(bed, fd, CALL("org.varlink.service.GetInfo"));
        settle(bed);
        if (i == 1)
            ASSERT_TRUE(send(fd, call, sizeof(call), MSG_NOSIGNAL) < 0 && errno == EPIPE);
        assert_error(bed, fd, "org.varlink.service.PermissionDenied");
        ASSERT_TRUE(!receive(bed, fd));
        ASSERT_TRUE(varlink_server_is_idle(bed->server));
    }
}

static void on_idle(void *userdata)
{
    ((Bed *)userdata)->idle = true;
}

/* The open call is answered and its answer sent; connections without a call are closed at once. */
static void test_close(Bed *bed)
{
    _cleanup_close_ int waiting = connect_to(bed), resting = connect_to(bed);

    SEND(bed, resting, ECHO_CALL(5));
    assert_echo(bed, resting, 5);
    SEND(bed, waiting, CALL("org.example.Test.Wait") "\0" ECHO_CALL(6));
    settle(bed);
    varlink_server_close(bed->server, on_idle, bed);
    ASSERT_TRUE(!receive(bed, resting));
    ASSERT_TRUE(!bed->idle);
    varlink_reply(TAKE_PTR(bed->waiting), json_pack("{ss}", "waited", "yes"));
    ASSERT_TRUE(!bed->idle);
    assert_parameter(bed, waiting, "waited", "yes");
    ASSERT_TRUE(!receive(bed, waiting));
    ASSERT_TRUE(bed->idle);
}

static void test_free_with_open_calls(void)
{
    Bed bed;
    int fd;

    bed_make(&bed);
    fd = connect_to(&bed);
    SEND(&bed, fd, CALL("org.example.Test.Wait"));
    settle(&bed);
    ASSERT_TRUE(bed.waiting);
    bed_done(&bed);
    ASSERT_EQ(bed.n_gone, 1);
    safe_close(fd);
}

int main(void)
{
    Bed bed;

    bed_make(&bed);
    test_service(&bed);
    test_peer(&bed);
    test_frame_in_pieces(&bed);
    test_several_calls_at_once(&bed);
    test_calls_behind_an_open_one(&bed);
    test_oneway(&bed);
    test_caller_goes_away(&bed);
    test_garbage(&bed);
    test_frame_size(&bed);
    test_frame_size_changes(&bed);
    test_buffered(&bed);
    test_caller_that_does_not_read(&bed);
    test_refused_peer(&bed);
    test_close(&bed);
    bed_done(&bed);
    test_free_with_open_calls();
    return 0;
}
