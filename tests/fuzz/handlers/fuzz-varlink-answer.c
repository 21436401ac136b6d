/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes that acmems-sign gets from orderd's socket, in random pieces: the first byte of the
 * input decides them. orderd is a thread here, since its client blocks. */

#include <linux/sockios.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "input-file.h"
#include "input-pieces.h"
#include "sign/order-client.h"

/* Further pieces are sent as one, which takes less time. */
#define PIECES_MAX 32U
/* Of a whole answer; a busy machine takes its time. */
#define PATIENCE (60 * USEC_PER_SEC)
/* The client does not call again when there is no time for it. */
#define NO_SECOND_CALL (50 * USEC_PER_MSEC)

/* Values of the first byte: the client of acmems-sign has left, also while there is no orderd. */
enum { LEFT = 255, NO_ORDERD = 254 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static int listener;
static const uint8_t *answer;
static size_t answer_size;

/* A call is one frame. */
static void take_call(int fd)
{
    char c;

    do
        if (read(fd, &c, 1) != 1)
            abort();
    while (c != '\0');
}

/* Until the client has read everything, or has left. */
static void wait_until_read(int fd)
{
    int unread;

    while (ioctl(fd, SIOCOUTQ, &unread) == 0 && unread > 0)
        (void)sched_yield();
}

static void serve(int fd)
{
    const uint8_t *data = answer;
    size_t left = answer_size;
    Pieces pieces;

    if (left == 0)
        return;
    pieces = pieces_of(*data++);
    left--;
    for (unsigned n = 0; left > 0; n++) {
        ssize_t sent =
            send(fd, data, n < PIECES_MAX ? pieces_next(&pieces, left) : left, MSG_NOSIGNAL);

        if (sent < 0) /* the client needs no more */
            return;
        data += sent;
        left -= (size_t)sent;
        wait_until_read(fd);
    }
}

static void *orderd(void *userdata)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        abort();
    take_call(fd);
    serve(fd);
    (void)close(fd);
    return userdata;
}

static void start(void)
{
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", input_place());
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1) < 0)
        abort();
}

static char name[] = "web";
static const AuthBlock auth = { .name = name };
static const SignRequest request = { .body = "CSR", .size = 3, .key = "0a", .auth = &auth };

static int ask(const char *path, usec_t timeout, int client_fd, OrderAnswer *ret)
{
    const OrderRequest order = {
        .request = &request, .request_id = "0123", .client = "192.0.2.7", .client_fd = client_fd
    };

    return order_request(path, &order, now_monotonic() + timeout, ret);
}

/* A connection whose other end is closed. */
static int make_left_client(void)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        abort();
    (void)close(fds[1]);
    return fds[0];
}

static void check(int r, const OrderAnswer *got)
{
    if (r < 0 ? got->status != 0 || got->chain || got->reason || got->problem
              : r > 0 || (got->status == 200 ? !got->chain || got->reason || got->problem
                                             : got->chain || !got->reason || got->status < 400 ||
                                                   got->status > 599))
        abort();
}

/* Nobody waits, for a socket that is missing or for an answer that nobody sends. */
static void ask_nobody(void)
{
    int client_fd = make_left_client(), fd;
    char path[PATH_MAX] = "";
    OrderAnswer got = { 0 };

    if (ask("/nonexistent", PATIENCE, client_fd, &got) != -ECANCELED ||
        order_tell_asked("/nonexistent", &request, now_monotonic()) != -ENOENT ||
        order_tell_asked(address.sun_path, &request, now_monotonic() + PATIENCE) < 0)
        abort();
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    take_call(fd);
    (void)close(fd);
    (void)memset(path, 'x', sizeof(path) - 1);
    if (order_tell_asked(path, &request, now_monotonic()) != -ENAMETOOLONG ||
        ask(address.sun_path, USEC_PER_MSEC, -EBADF, &got) != -ETIMEDOUT)
        abort();
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    (void)close(fd);
    (void)close(client_fd);
}

static void ask_orderd(const uint8_t *data, size_t size)
{
    bool is_whole = size > 1 && memchr(data + 1, '\0', size - 1);
    bool has_left = size > 0 && data[0] == LEFT;
    int client_fd = has_left ? make_left_client() : -EBADF;
    OrderAnswer got = { 0 };
    pthread_t thread;

    answer = data;
    answer_size = size;
    if (pthread_create(&thread, NULL, orderd, NULL) != 0)
        abort();
    check(ask(address.sun_path, is_whole || has_left ? PATIENCE : NO_SECOND_CALL, client_fd, &got),
          &got);
    if (pthread_join(thread, NULL) != 0)
        abort();
    order_answer_done(&got);
    safe_close(client_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!*address.sun_path)
        start();
    if (size > 0 && data[0] == NO_ORDERD)
        ask_nobody();
    else
        ask_orderd(data, size);
    return 0;
}
