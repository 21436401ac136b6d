/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Accepted connections wait here for their turn. No source is served more than its limit at a time,
 * and a free place goes to the source that has the fewest: a source at its limit delays nobody
 * else. */

#include <stddef.h>

#include "base/clock.h"
#include "base/macro.h"
#include "policy/source.h"

/* Until the first byte of a connection. */
#define TURNS_SILENT_MAX (2 * USEC_PER_SEC)
/* Until its turn. */
#define TURNS_WAIT_MAX (30 * USEC_PER_SEC)

typedef struct Turns Turns;
typedef struct TurnHolder TurnHolder; /* a source with connections here */

/* A connection that leaves: it is served, or turned away. */
typedef struct Turn {
    int fd; /* owned by the caller */
    Source source;
    TurnHolder *holder; /* while it is served: for turns_end() */
} Turn;

/* @source_max: connections of one source that are served at the same time. @waiting_max:
 * connections that wait, of all sources. Both at least 1. Returns 0 or -ENOMEM. */
int turns_new(unsigned source_max, size_t waiting_max, Turns **ret);
Turns *turns_free(Turns *turns); /* closes what waits; always returns NULL */

/**
 * turns_enter() - let a connection wait for its turn
 * @fd: taken over
 * @ret: the connection that must leave for it: the newest one of the source of which the most wait;
 *       only set with 1
 *
 * Returns 0; 1: there were more than waiting_max; -ENOMEM: @fd is still the caller's.
 */
int turns_enter(Turns *turns, const Source *source, int fd, Turn *ret);

/* Takes the connection whose turn it is: the oldest one of the source that has the fewest served
 * and is below its limit. Call turns_end() when it ends. Returns whether there is one. */
bool turns_take(Turns *turns, Turn *ret);
void turns_end(Turns *turns, TurnHolder *holder);

/* Takes a connection that waited longer than @wait_max and must be turned away. Closes those whose
 * client has left, or has sent nothing for TURNS_SILENT_MAX. Returns whether there is one: then
 * call it again. */
bool turns_take_expired(Turns *turns, usec_t wait_max, Turn *ret);

size_t turns_waiting(const Turns *turns);

/* Closes the descriptors of the connections that wait, in a process that was forked to serve
 * another one. */
void turns_close_waiting(const Turns *turns);

DEFINE_CLEANUP_FUNC(Turns *, turns_free)
