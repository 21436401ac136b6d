/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/relay.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/macro.h"

#define PIECE_SIZE_MAX ((size_t)64 * 1024) /* the capacity of a pipe */

/* One direction of the relay. The data passes through a pipe. */
typedef struct Flow {
    int from, to;
    int pipe[2];
    size_t held; /* bytes in the pipe */
    bool ending; /* the sender has closed; earlier data may still wait */
    bool ended;  /* no more data comes, or none can be forwarded */
} Flow;

typedef enum Side { SIDE_A, SIDE_B, SIDE_MAX } Side;

typedef struct Relay {
    Flow flows[SIDE_MAX]; /* indexed by the side that sends */
    const RelayLimits *limits;
    usec_t moved_at; /* when data was last forwarded, or an end of file arrived */
} Relay;

static void flow_done(Flow *flow)
{
    flow->pipe[0] = safe_close(flow->pipe[0]);
    flow->pipe[1] = safe_close(flow->pipe[1]);
}

static void relay_done(Relay *relay)
{
    for (size_t i = 0; i < SIDE_MAX; i++)
        flow_done(&relay->flows[i]);
}

static ssize_t move(int from, int to, size_t size)
{
    ssize_t n;

    do
        n = splice(from, NULL, to, NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* Moves data from the sender into the pipe. Called only when the pipe is empty: otherwise EAGAIN
 * could mean that the pipe is full. Returns 1 when something was done, 0 when not, -errno when the
 * connection is broken. */
static int flow_take(Flow *flow)
{
    ssize_t n = move(flow->from, flow->pipe[1], PIECE_SIZE_MAX);

    if (n == -EAGAIN)
        return 0;
    if (n < 0)
        return (int)n;
    if (n == 0) {
        flow->ended = true;
        (void)shutdown(flow->to, SHUT_WR);
    }
    flow->held = (size_t)n;
    return 1;
}

/* Moves data from the pipe to the receiver. A receiver that no longer reads may still have sent
 * data: the other direction goes on. */
static int flow_give(Flow *flow)
{
    ssize_t n = move(flow->pipe[0], flow->to, flow->held);

    if (n == -EAGAIN)
        return 0;
    if (n < 0) {
        flow->held = 0;
        flow->ended = true;
        return 1;
    }
    flow->held -= (size_t)n;
    return 1;
}

static int flow_step(Flow *flow)
{
    int took = 0, gave = 0;

    if (flow->held == 0 && !flow->ended) {
        took = flow_take(flow);
        if (took < 0)
            return took;
    }
    if (flow->held > 0)
        gave = flow_give(flow);
    return took || gave;
}

static bool relay_is_over(const Relay *relay)
{
    for (size_t i = 0; i < SIDE_MAX; i++)
        if (!relay->flows[i].ended || relay->flows[i].held > 0)
            return false;
    return true;
}

/* Leaves out a socket without any wanted event: poll() would report its hang-up again and again. */
static void fill_polls(const Relay *relay, struct pollfd polls[])
{
    for (size_t i = 0; i < SIDE_MAX; i++) {
        const Flow *in = &relay->flows[i], *out = &relay->flows[SIDE_MAX - 1 - i];
        short events = 0;

        if (!in->ended && in->held == 0)
            events |= POLLIN;
        if (!in->ended && !in->ending)
            events |= POLLRDHUP;
        if (out->held > 0)
            events |= POLLOUT;
        polls[i] = (struct pollfd){ .fd = events ? in->from : -1, .events = events };
    }
}

/* Notes an end of file when it arrives, not when all data before it has been forwarded: a side that
 * closes has ended even while the other side does not read. */
static void note_ends(Relay *relay, const struct pollfd polls[])
{
    for (size_t i = 0; i < SIDE_MAX; i++) {
        Flow *flow = &relay->flows[i];

        if (flow->ending || !(polls[i].revents & (POLLRDHUP | POLLHUP | POLLERR)))
            continue;
        flow->ending = true;
        relay->moved_at = now_monotonic();
    }
}

static usec_t idle_at(const Relay *relay)
{
    const RelayLimits *limits = relay->limits;

    for (size_t i = 0; i < SIDE_MAX; i++)
        if (relay->flows[i].ending || relay->flows[i].ended)
            return relay->moved_at + limits->half_idle_timeout;
    return relay->moved_at + limits->idle_timeout;
}

/* Returns 0 when a flow may have something to do; -ETIMEDOUT; -errno. */
static int wait_for_more(Relay *relay)
{
    struct pollfd polls[SIDE_MAX + 1];
    int r;

    fill_polls(relay, polls);
    r = stop_poll(relay->limits->stop, polls, SIDE_MAX, idle_at(relay));
    if (r >= 0)
        note_ends(relay, polls);
    return r;
}

static int pass_on(Relay *relay)
{
    while (!relay_is_over(relay)) {
        int done = 0, r = wait_for_more(relay);

        if (r < 0)
            return r;
        for (size_t i = 0; i < SIDE_MAX; i++) {
            r = flow_step(&relay->flows[i]);
            if (r < 0)
                return r;
            done |= r;
        }
        if (done)
            relay->moved_at = now_monotonic();
    }
    return 0;
}

static int flow_open(Flow *flow, int from, int to)
{
    int flags = fcntl(from, F_GETFL);

    flow->from = from;
    flow->to = to;
    if (flags < 0 || fcntl(from, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return pipe2(flow->pipe, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
}

int relay_run(int a, int b, const RelayLimits *limits)
{
    _cleanup_(relay_done) Relay relay = {
        .flows = { { .pipe = { -EBADF, -EBADF } }, { .pipe = { -EBADF, -EBADF } } },
        .limits = limits,
        .moved_at = now_monotonic(),
    };
    int r = flow_open(&relay.flows[SIDE_A], a, b);

    if (r >= 0)
        r = flow_open(&relay.flows[SIDE_B], b, a);
    return r < 0 ? r : pass_on(&relay);
}
