/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* All accepted connections that no process serves: those that wait for their request or their turn,
 * and those that were turned away and are about to end. Nothing here waits. */

#include "admission/farewells.h"
#include "admission/turns.h"
#include "log/log-throttle.h"

/* Answers a connection that no process will serve. Must not wait. */
typedef void TurnAway(int fd);

typedef struct WaitingRoom {
    Turns *turns;
    Farewells farewells;
    TurnAway *crowded, *late; /* too many are open; its request has not arrived */
    LogThrottle told_crowded, told_late;
    usec_t expire_next; /* when to look for connections that waited too long */
} WaitingRoom;

#define WAITING_ROOM_POLLS_MAX (1 + FAREWELLS_MAX)

/* @farewells_max: connections that were turned away and are still open, 1 to FAREWELLS_MAX
 * @crowded: called when too many are open; @late: when a request has not arrived. NULL: such a
 * connection is closed
 * Returns 0 or -errno. */
int waiting_room_init(WaitingRoom *room, const TurnRules *rules, size_t farewells_max,
                      TurnAway *crowded, TurnAway *late);
void waiting_room_done(WaitingRoom *room);

/* Takes over a connection from @peer, and turns one away if too many wait. Returns 0; -ENOMEM: it
 * was turned away itself. */
int waiting_room_enter(WaitingRoom *room, const Source *peer, int fd);

/* Fills @polls, which has room for WAITING_ROOM_POLLS_MAX. Returns their number. */
size_t waiting_room_poll(const WaitingRoom *room, struct pollfd *polls);

/* Does what is due: ends connections whose clients left, and turns away those that waited longer
 * than @wait_max. @polls: the @n entries that waiting_room_poll() filled, before anything entered
 */
void waiting_room_tend(WaitingRoom *room, const struct pollfd *polls, size_t n, usec_t wait_max);

usec_t waiting_room_deadline(const WaitingRoom *room); /* of the next call of waiting_room_tend() */

bool waiting_room_is_empty(const WaitingRoom *room);
bool waiting_room_is_full(const WaitingRoom *room); /* the next connection turns one away */

/* Closes the descriptors of all connections, in a process that was forked to serve one. */
void waiting_room_close(WaitingRoom *room);
