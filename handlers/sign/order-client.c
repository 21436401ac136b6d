/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign/order-client.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/io.h"
#include "strings/encode.h"
#include "x509/chain.h"

/* A chain in JSON, where the escape of a character may take six bytes; and the members around it.
 */
#define REPLY_SIZE_MAX (6 * CHAIN_SIZE_MAX + 4096)

/* When orderd restarts and systemd does not hold its socket, the socket is missing for a moment. */
#define RECONNECT_TIMEOUT (5 * USEC_PER_SEC)
#define RECONNECT_PAUSE   (100 * USEC_PER_MSEC)

static int connect_socket(const char *path)
{
    _cleanup_close_ int fd = -EBADF;
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    /* With a full backlog a blocking connect() would wait without a deadline. */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

/* The socket does not exist, no process listens on it, or its backlog is full. */
static bool is_absent(int r)
{
    return r == -ENOENT || r == -ECONNREFUSED || r == -EAGAIN;
}

/* orderd, as a process waits for it while its own client stays. */
typedef struct Orderd {
    int fd;
    int client_fd;
    usec_t deadline;
} Orderd;

/* Waits like fd_wait(), but no longer than the client stays: -ECANCELED. A client that only ended
 * its sending side counts as one that left: no client of HTTP does so before it has the answer.
 * .fd: negative to wait for the deadline alone */
static int wait_for_orderd(const Orderd *orderd, short events)
{
    struct pollfd polls[] = {
        { .fd = orderd->fd, .events = events },
        { .fd = orderd->client_fd, .events = POLLRDHUP },
    };

    for (;;) {
        int r = poll(polls, ELEMENTSOF(polls), deadline_to_poll(orderd->deadline));

        if (r < 0 && errno != EINTR)
            return -errno;
        if (r == 0)
            return -ETIMEDOUT;
        if (r > 0)
            return polls[0].revents ? 0 : -ECANCELED;
    }
}

/* 0 or -ECANCELED. */
static int pause_before_retry(int client_fd)
{
    const Orderd nothing = { -EBADF, client_fd, now_monotonic() + RECONNECT_PAUSE };

    return wait_for_orderd(&nothing, 0) == -ECANCELED ? -ECANCELED : 0;
}

static int connect_patiently(const char *path, int client_fd, usec_t deadline)
{
    usec_t until = now_monotonic() + RECONNECT_TIMEOUT;

    if (until > deadline)
        until = deadline;
    for (;;) {
        int fd = connect_socket(path);

        if (fd >= 0 || !is_absent(fd) || now_monotonic() + RECONNECT_PAUSE >= until)
            return fd;
        if (pause_before_retry(client_fd) < 0)
            return -ECANCELED;
    }
}

/* The peer closed the connection. */
static bool is_gone(int r)
{
    return r == -ECONNRESET || r == -EPIPE;
}

static int write_call(const Orderd *orderd, const char *call, size_t size)
{
    while (size > 0) {
        ssize_t n = send(orderd->fd, call, size, MSG_NOSIGNAL);
        int r = 0;

        if (n < 0 && errno != EINTR)
            r = errno == EAGAIN ? wait_for_orderd(orderd, POLLOUT) : -errno;
        if (r < 0)
            return r;
        if (n > 0) {
            call += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

/* Reads one frame, up to its NUL byte. -ECONNRESET: the peer closed the connection before that. */
static int read_frame(const Orderd *orderd, char **ret)
{
    _cleanup_free_ char *frame = NULL;
    size_t n = 0, room = 0;

    for (;;) {
        ssize_t k;
        int r;

        if (n == room) {
            char *more;

            if (room >= REPLY_SIZE_MAX)
                return -EBADMSG;
            room = room ? room * 2 : 16384;
            room = room > REPLY_SIZE_MAX ? REPLY_SIZE_MAX : room;
            more = realloc(frame, room);
            if (!more)
                return -ENOMEM;
            frame = more;
        }
        r = wait_for_orderd(orderd, POLLIN);
        if (r < 0)
            return r;
        k = recv(orderd->fd, frame + n, room - n, 0);
        if (k < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (k < 0)
            return -errno;
        if (k == 0)
            return -ECONNRESET;
        n += (size_t)k;
        if (memchr(frame + n - k, '\0', (size_t)k)) {
            *ret = TAKE_PTR(frame);
            return 0;
        }
    }
}

static int read_failure(const json_t *parameters, OrderAnswer *ret)
{
    const char *reason = json_string_value(json_object_get(parameters, "reason"));
    const char *problem = json_string_value(json_object_get(parameters, "problem"));
    json_int_t status = json_integer_value(json_object_get(parameters, "status"));
    json_int_t retry_after = json_integer_value(json_object_get(parameters, "retryAfter"));
    _cleanup_free_ char *reason_copy = NULL, *problem_copy = NULL;

    if (!reason || status < 400 || status > 599 || retry_after < 0)
        return -EBADMSG;
    reason_copy = strdup(reason);
    problem_copy = problem ? strdup(problem) : NULL;
    if (!reason_copy || (problem && !problem_copy))
        return -ENOMEM;
    *ret = (OrderAnswer){
        .status = (int)status,
        .reason = TAKE_PTR(reason_copy),
        .problem = TAKE_PTR(problem_copy),
        .retry_after = retry_after > UINT16_MAX * 60 ? UINT16_MAX * 60 : (unsigned)retry_after,
    };
    return 0;
}

/* The answer to a call that fails with @error. */
static int read_error(const char *error, const json_t *parameters, OrderAnswer *ret)
{
    if (strcmp(error, "io.acmems.Orders.OrderFailed") == 0)
        return read_failure(parameters, ret);
    return strcmp(error, "org.varlink.service.PermissionDenied") == 0 ? -EACCES : -EBADMSG;
}

static int read_answer(const char *frame, OrderAnswer *ret)
{
    json_auto_t *message = json_loads(frame, 0, NULL);
    const json_t *parameters = json_object_get(message, "parameters");
    const char *error = json_string_value(json_object_get(message, "error"));
    const char *chain = json_string_value(json_object_get(parameters, "chain"));
    char *copy;

    if (error)
        return read_error(error, parameters, ret);
    if (!chain)
        return -EBADMSG;
    copy = strdup(chain);
    if (!copy)
        return -ENOMEM;
    *ret = (OrderAnswer){ .status = 200, .chain = copy };
    return 0;
}

static char *make_call(const OrderRequest *order)
{
    const SignRequest *request = order->request;
    _cleanup_free_ char *csr = base64_encode(request->body, request->size);
    json_auto_t *message = NULL;

    if (!csr)
        return NULL;
    message = json_pack("{sss{ssssssss}}", "method", "io.acmems.Orders.Request", "parameters",
                        "auth", request->auth->name, "csr", csr, "requestId", order->request_id,
                        "client", order->client);
    return message ? json_dumps(message, JSON_COMPACT) : NULL;
}

static int ask_once(const char *socket_path, const char *call, int client_fd, usec_t deadline,
                    OrderAnswer *ret)
{
    _cleanup_close_ int fd = connect_patiently(socket_path, client_fd, deadline);
    const Orderd orderd = { fd, client_fd, deadline };
    _cleanup_free_ char *frame = NULL;
    int r;

    if (fd < 0)
        return fd;
    r = write_call(&orderd, call, strlen(call) + 1);
    /* orderd refuses a peer without reading its call: the answer may be there already. */
    if (r < 0 && !is_gone(r))
        return r;
    r = read_frame(&orderd, &frame);
    if (r < 0)
        return r;
    return read_answer(frame, ret);
}

int order_request(const char *socket_path, const OrderRequest *order, usec_t deadline,
                  OrderAnswer *ret)
{
    _cleanup_free_ char *call = make_call(order);

    if (!call)
        return -ENOMEM;
    for (;;) {
        int r = ask_once(socket_path, call, order->client_fd, deadline, ret);

        if (!is_gone(r) || now_monotonic() + RECONNECT_PAUSE >= deadline)
            return r;
        /* orderd stopped. Calling again makes no second order. */
        if (pause_before_retry(order->client_fd) < 0)
            return -ECANCELED;
    }
}

int order_tell_asked(const char *socket_path, const SignRequest *request, usec_t deadline)
{
    json_auto_t *message =
        json_pack("{sssbs{ssss}}", "method", "io.acmems.Orders.Asked", "oneway", 1, "parameters",
                  "auth", request->auth->name, "key", request->key);
    _cleanup_free_ char *call = message ? json_dumps(message, JSON_COMPACT) : NULL;
    _cleanup_close_ int fd = -EBADF;

    if (!call)
        return -ENOMEM;
    fd = connect_socket(socket_path);
    return fd < 0 ? fd : write_all(fd, call, strlen(call) + 1, deadline);
}

void order_answer_done(OrderAnswer *answer)
{
    free(answer->chain);
    free(answer->reason);
    free(answer->problem);
    *answer = (OrderAnswer){ 0 };
}
