/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/stop.h"

#include <signal.h>
#include <sys/signalfd.h>

#include "base/macro.h"

int stop_open_fd(void)
{
    sigset_t signals;
    int fd;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

/* Returns the deadline of one wait. */
static usec_t limit(const Stop *stop, usec_t deadline)
{
    if (stop->deadline == USEC_INFINITY)
        return deadline;
    return earlier(deadline, earlier(stop->deadline, now_monotonic() + stop->idle_timeout));
}

static void begin(Stop *stop)
{
    stop->fd = -EBADF;
    stop->deadline = now_monotonic() + stop->timeout;
}

int stop_poll(Stop *stop, struct pollfd *polls, size_t n, usec_t deadline)
{
    for (;;) {
        int r;

        polls[n] = (struct pollfd){ .fd = stop->fd, .events = POLLIN };
        r = poll(polls, n + 1, deadline_to_poll(limit(stop, deadline)));
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return r < 0 ? -errno : -ETIMEDOUT;
        if (polls[n].revents) {
            begin(stop);
            r--;
        }
        /* Even when there is still something to do. */
        if (now_monotonic() >= stop->deadline)
            return -ETIMEDOUT;
        if (r > 0)
            return 0;
    }
}

int stop_wait(Stop *stop, int fd, short events, usec_t deadline)
{
    struct pollfd polls[2] = { { .fd = fd, .events = events } };
    int r = stop_poll(stop, polls, 1, deadline);

    if (r < 0)
        return r;
    return polls[0].revents & POLLNVAL ? -EBADF : 0;
}
