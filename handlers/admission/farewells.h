/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Connections that were answered without being read. A close with unread bytes would reset the
 * connection, and the client could lose the answer. So each stays until its client closes, but not
 * for long. Nothing here waits. */

#include <poll.h>
#include <stddef.h>

#include "base/clock.h"

#define FAREWELLS_MAX 256U

typedef struct Farewell {
    int fd;
    usec_t deadline;
    size_t n_dropped; /* bytes received */
} Farewell;

typedef struct Farewells {
    Farewell list[FAREWELLS_MAX]; /* the oldest first */
    size_t n;
    size_t max; /* 1 to FAREWELLS_MAX */
} Farewells;

/* Closes the sending side of @fd and takes it over. When there are too many, closes the oldest. */
void farewells_add(Farewells *farewells, int fd);

/* Fills @polls, which has room for FAREWELLS_MAX. Returns their number. */
size_t farewells_poll(const Farewells *farewells, struct pollfd *polls);

/* Drops what the clients sent. Closes the connections whose time is over or whose clients left.
 * @polls: the @n entries that farewells_poll() filled, before anything was added */
void farewells_tend(Farewells *farewells, const struct pollfd *polls, size_t n);

usec_t farewells_deadline(const Farewells *farewells); /* the earliest; USEC_INFINITY: none */

void farewells_close(Farewells *farewells); /* all of them */
