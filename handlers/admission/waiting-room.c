/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admission/waiting-room.h"

#include <inttypes.h>

#include "log/log.h"

/* How often to look for connections that waited too long. */
#define EXPIRY_INTERVAL (250 * USEC_PER_MSEC)
/* One entry tells of all connections that are turned away within this time. */
#define TOLD_INTERVAL (10 * USEC_PER_SEC)

int waiting_room_init(WaitingRoom *room, const TurnRules *rules, size_t farewells_max,
                      TurnAway *crowded, TurnAway *late)
{
    *room = (WaitingRoom){ .farewells.max = farewells_max,
                           .crowded = crowded,
                           .late = late,
                           .told_crowded.interval = TOLD_INTERVAL,
                           .told_late.interval = TOLD_INTERVAL };
    return turns_new(rules, &room->turns);
}

void waiting_room_done(WaitingRoom *room)
{
    farewells_close(&room->farewells);
    room->turns = turns_free(room->turns);
}

/* The same client may come again and again: it must not fill the journal. */
static void tell(WaitingRoom *room, const Turn *turn)
{
    char text[SOURCE_TEXT_SIZE];
    uint64_t held;

    if (!log_throttle_pass(turn->is_late ? &room->told_late : &room->told_crowded, &held))
        return;
    (void)source_format(&turn->source, text);
    if (turn->is_late)
        log_event(
            LOG_EVENT_REQUEST_LATE, NULL,
            "Connections ended since the last entry, because their request did not arrive in time: "
            "%" PRIu64 ", the last one from %s",
            held + 1, text);
    else
        log_event(
            LOG_EVENT_TURNED_AWAY, NULL,
            "Connections turned away since the last entry, because too many are open: %" PRIu64
            ", the last one from %s",
            held + 1, text);
}

/* Takes over turn->fd. */
static void turn_away(WaitingRoom *room, const Turn *turn)
{
    TurnAway *answer = turn->is_late ? room->late : room->crowded;

    tell(room, turn);
    if (!answer) {
        (void)safe_close(turn->fd);
        return;
    }
    answer(turn->fd);
    farewells_add(&room->farewells, turn->fd);
}

int waiting_room_enter(WaitingRoom *room, const Source *peer, int fd)
{
    Turn away = { .fd = fd, .source = *peer };
    int r = turns_enter(room->turns, peer, fd, &away);

    if (r != 0)
        turn_away(room, &away);
    return r < 0 ? r : 0;
}

size_t waiting_room_poll(const WaitingRoom *room, struct pollfd *polls)
{
    polls[0] = (struct pollfd){ .fd = turns_fd(room->turns), .events = POLLIN };
    return 1 + farewells_poll(&room->farewells, &polls[1]);
}

void waiting_room_tend(WaitingRoom *room, const struct pollfd *polls, size_t n, usec_t wait_max)
{
    usec_t now = now_monotonic();
    Turn turn;

    farewells_tend(&room->farewells, &polls[1], n - 1);
    if (polls[0].revents)
        turns_tend(room->turns);
    if (now < room->expire_next)
        return;
    room->expire_next = now + EXPIRY_INTERVAL;
    while (turns_take_expired(room->turns, wait_max, &turn))
        turn_away(room, &turn);
}

usec_t waiting_room_deadline(const WaitingRoom *room)
{
    usec_t next = farewells_deadline(&room->farewells);

    if (turns_waiting(room->turns) > 0 && room->expire_next < next)
        next = room->expire_next;
    return next;
}

bool waiting_room_is_empty(const WaitingRoom *room)
{
    return turns_waiting(room->turns) == 0 && room->farewells.n == 0;
}

bool waiting_room_is_full(const WaitingRoom *room)
{
    return turns_are_full(room->turns);
}

void waiting_room_close(WaitingRoom *room)
{
    turns_close_waiting(room->turns);
    farewells_close(&room->farewells);
}
