/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Ends a connection soon after its process gets SIGTERM: the data that it waits for may still come,
 * but only for a short time. */

#include <poll.h>
#include <stddef.h>

#include "base/clock.h"

typedef struct Stop {
    int fd; /* readable once SIGTERM is pending; -EBADF: that was noticed, or there is none */
    usec_t idle_timeout; /* from then on, for each wait */
    usec_t timeout;      /* from then on, for everything */
    usec_t deadline;     /* USEC_INFINITY before SIGTERM */
} Stop;

/* Returns a descriptor that is readable while SIGTERM is pending, or -errno. SIGTERM must be
 * blocked. */
int stop_open_fd(void);

/**
 * stop_poll() - poll(2) with a deadline that a stop shortens
 * @polls: @n entries to wait for, with room for one more after them
 * @deadline: the deadline without a stop
 *
 * Returns 0 when an entry of @polls has events; -ETIMEDOUT at the deadline or at one of the stop;
 * -errno.
 */
int stop_poll(Stop *stop, struct pollfd *polls, size_t n, usec_t deadline);

/* The same for one descriptor, like fd_wait(). */
int stop_wait(Stop *stop, int fd, short events, usec_t deadline);
