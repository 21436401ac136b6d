/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The processes that serve a connection. Each has deadlines of its own. One that no longer keeps
 * them may be under the control of its client: it is killed. */

#include <stddef.h>
#include <sys/types.h>

#include "admission/turns.h"
#include "base/clock.h"

typedef struct Child {
    pid_t pid;
    usec_t deadline; /* USEC_INFINITY: it was killed, or has none */
    TurnHolder *holder;
} Child;

typedef struct Children {
    Child *list;
    size_t n;
    usec_t kill_next; /* not later than the earliest deadline */
} Children;

/* @max: children at the same time. Returns 0 or -ENOMEM. */
int children_init(Children *children, size_t max);
void children_done(Children *children); /* does not end them */

/* Adds a child that has the turn of @holder. */
void children_add(Children *children, pid_t pid, usec_t deadline, TurnHolder *holder);

/* Forgets those that ended, and ends their turns. Returns their number. */
size_t children_reap(Children *children, Turns *turns);

void children_kill_overdue(Children *children);
void children_terminate(const Children *children); /* sends SIGTERM */
