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

static int ask(usec_t timeout, OrderAnswer *ret)
{
    static char name[] = "web";
    static const AuthBlock auth = { .name = name };
    static const SignRequest request = { .body = "CSR", .size = 3, .auth = &auth };
    static const OrderRequest order = {
        .request = &request, .request_id = "0123", .client = "192.0.2.7", .client_fd = -EBADF
    };

    return order_request(address.sun_path, &order, now_monotonic() + timeout, ret);
}

static void check(int r, const OrderAnswer *got)
{
    if (r < 0 ? got->status != 0 || got->chain || got->reason || got->problem
              : r > 0 || (got->status == 200 ? !got->chain || got->reason || got->problem
                                             : got->chain || !got->reason || got->status < 400 ||
                                                   got->status > 599))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_whole = size > 1 && memchr(data + 1, '\0', size - 1);
    OrderAnswer got = { 0 };
    pthread_t thread;

    if (!*address.sun_path)
        start();
    answer = data;
    answer_size = size;
    if (pthread_create(&thread, NULL, orderd, NULL) != 0)
        abort();
    check(ask(is_whole ? PATIENCE : NO_SECOND_CALL, &got), &got);
    if (pthread_join(thread, NULL) != 0)
        abort();
    order_answer_done(&got);
    return 0;
}
