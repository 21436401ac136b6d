/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admission/waiting-room.h"

#include <inttypes.h>

#include "log/log.h"

/* How often to look for connections that waited too long. */
#define EXPIRY_INTERVAL (250 * USEC_PER_MSEC)
/* One entry tells of all connections that are turned away within this time. */
#define TOLD_INTERVAL (10 * USEC_PER_SEC)

int waiting_room_init(WaitingRoom *room, const TurnRules *rules, size_t farewells_max,
                      void (*turn_away)(int fd))
{
    *room = (WaitingRoom){ .farewells.max = farewells_max,
                           .turn_away = turn_away,
                           .told.interval = TOLD_INTERVAL };
    return turns_new(rules, &room->turns);
}

void waiting_room_done(WaitingRoom *room)
{
    farewells_close(&room->farewells);
    room->turns = turns_free(room->turns);
}

/* The same client may come again and again: it must not fill the journal. */
static void tell(WaitingRoom *room, const Source *source)
{
    char text[SOURCE_TEXT_SIZE];
    uint64_t held;

    if (log_throttle_pass(&room->told, &held))
        log_event(
            LOG_EVENT_TURNED_AWAY, NULL,
            "Connections turned away since the last entry, because too many are open: %" PRIu64
            ", the last one from %s",
            held + 1, source_format(source, text));
}

/* Takes the connection over. */
static void turn_away(WaitingRoom *room, int fd, const Source *source)
{
    tell(room, source);
    if (!room->turn_away) {
        (void)safe_close(fd);
        return;
    }
    room->turn_away(fd);
    farewells_add(&room->farewells, fd);
}

int waiting_room_enter(WaitingRoom *room, const Source *peer, int fd)
{
    Turn away = { .fd = fd, .source = *peer };
    int r = turns_enter(room->turns, peer, fd, &away);

    if (r != 0)
        turn_away(room, away.fd, &away.source);
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
        turn_away(room, turn.fd, &turn.source);
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
