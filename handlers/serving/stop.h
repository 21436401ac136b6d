/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A connection that is to end, as its process got SIGTERM: what it waits for still may come, but
 * not for long. */

#include <poll.h>
#include <stddef.h>

#include "base/clock.h"

typedef struct Stop {
    int fd;              /* once this can be read the end is near; -EBADF: that was seen, or none */
    usec_t idle_timeout; /* from then on for anything to come, … */
    usec_t timeout;      /* … and for all of it */
    usec_t deadline;     /* USEC_INFINITY before */
} Stop;

/* A descriptor that can be read while SIGTERM, which has to be blocked, is pending. -errno. */
int stop_open_fd(void);

/**
 * stop_poll() - poll(2), cut short by a stop
 * @polls: has room for one more behind the @n that are waited for
 * @deadline: as if there were no stop
 *
 * 0: something of @polls has come; -ETIMEDOUT at a deadline, the stop's among them; -errno.
 */
int stop_poll(Stop *stop, struct pollfd *polls, size_t n, usec_t deadline);

/* The same for one descriptor, as fd_wait(). */
int stop_wait(Stop *stop, int fd, short events, usec_t deadline);
