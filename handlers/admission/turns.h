/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Accepted connections wait here for their request to arrive, and then for their turn. No source is
 * served more than its limit at a time, and a free place goes to the source that has the fewest: a
 * source at its limit delays no other one. Nothing here waits, and nothing takes a byte from a
 * connection. */

#include <stddef.h>

#include "base/clock.h"
#include "base/macro.h"
#include "policy/source.h"

/* Until the first byte of a connection, and until its client is known. */
#define TURNS_SILENT_MAX (2 * USEC_PER_SEC)
/* Until the request of a connection has arrived. */
#define TURNS_REQUEST_MAX (10 * USEC_PER_SEC)
/* Until its turn. */
#define TURNS_WAIT_MAX (30 * USEC_PER_SEC)

typedef struct Turns Turns;
typedef struct TurnHolder TurnHolder; /* a source with connections here */

typedef struct TurnRules {
    unsigned places;     /* connections that are served at the same time */
    unsigned reserved;   /* of these, for sources of which none is served */
    unsigned source_max; /* the same for the connections of one source */
    size_t waiting_max;  /* connections that wait, of all sources */
    /* Tells whose connection it is. @source: at first that of the peer; changed if another one is
     * behind it. Returns false while too little has arrived to know it: then it is called again
     * when more has. Must not wait, and take nothing from the connection. NULL: always the peer's.
     */
    bool (*identify)(int fd, Source *source, void *userdata);
    /* Tells whether so much has arrived that a process can serve the connection without waiting
     * for a slow client. Called like identify(), after it, and bound to the same. NULL: always. */
    bool (*has_arrived)(int fd, void *userdata);
    void *userdata;
} TurnRules;

/* A connection that leaves: it is served, or turned away. */
typedef struct Turn {
    int fd;       /* owned by the caller, unless turns_next() set it */
    bool is_late; /* it is turned away because its request has not arrived */
    Source source;
    TurnHolder *holder;    /* while it is served: for turns_end() */
    struct Waiter *waiter; /* for turns_take() */
} Turn;

/* The limits in @rules are at least 1, reserved is less than places. Returns 0 or -errno. */
int turns_new(const TurnRules *rules, Turns **ret);
Turns *turns_free(Turns *turns); /* closes what waits; always returns NULL */

/**
 * turns_enter() - let a connection wait for its request and its turn
 * @peer: the source of its peer; it counts as this one's until its client is known
 * @fd: taken over
 * @ret: the connection that must leave for it: of the source of which the most wait, the newest
 * one, first of those whose request has not arrived; only set with 1
 *
 * Returns 0; 1: there were more than waiting_max; -ENOMEM: @fd is still the caller's.
 */
int turns_enter(Turns *turns, const Source *peer, int fd, Turn *ret);

/* Finds the connection whose turn it is: of the source that has the fewest served and is below its
 * limit, the one whose request was noticed first. It stays here, and .fd stays owned here, until
 * turns_take() takes it right after this. Returns whether there is one. */
bool turns_next(const Turns *turns, Turn *ret);

/* Takes the connection that turns_next() found. Call turns_end() when it ends. */
void turns_take(Turns *turns, const Turn *turn);
void turns_end(Turns *turns, TurnHolder *holder);

/* A descriptor that is readable when turns_tend() has something to do: close the connections whose
 * clients left, identify clients, and notice requests. It does a bounded part of that at a time. */
int turns_fd(const Turns *turns);
void turns_tend(Turns *turns);

/* Takes a connection that waited longer than @wait_max, or for its request longer than
 * TURNS_REQUEST_MAX, and must be turned away. Closes those whose client has sent nothing for
 * TURNS_SILENT_MAX. Returns whether there is one: then call it again. */
bool turns_take_expired(Turns *turns, usec_t wait_max, Turn *ret);

size_t turns_waiting(const Turns *turns);
bool turns_are_full(const Turns *turns); /* as many wait as may */

/* Closes the descriptors of the connections that wait, in a process that was forked to serve one.
 */
void turns_close_waiting(const Turns *turns);

DEFINE_CLEANUP_FUNC(Turns *, turns_free)
