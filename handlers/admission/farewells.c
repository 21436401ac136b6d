/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admission/farewells.h"

#include <sys/socket.h>

#include "base/macro.h"

#define FAREWELL_TIMEOUT (2 * USEC_PER_SEC)
#define DROPPED_MAX      ((size_t)64 * 1024)

static void remove_at(Farewells *farewells, size_t i)
{
    (void)safe_close(farewells->list[i].fd);
    farewells->n--;
    memmove(&farewells->list[i], &farewells->list[i + 1],
            (farewells->n - i) * sizeof(farewells->list[0]));
}

void farewells_add(Farewells *farewells, int fd)
{
    if (farewells->n == farewells->max)
        remove_at(farewells, 0);
    (void)shutdown(fd, SHUT_WR);
    farewells->list[farewells->n++] =
        (Farewell){ .fd = fd, .deadline = now_monotonic() + FAREWELL_TIMEOUT };
}

size_t farewells_poll(const Farewells *farewells, struct pollfd *polls)
{
    for (size_t i = 0; i < farewells->n; i++)
        polls[i] = (struct pollfd){ .fd = farewells->list[i].fd, .events = POLLIN };
    return farewells->n;
}

/* Returns whether more may come. */
static bool drop_some(Farewell *farewell)
{
    char buffer[4096];
    ssize_t n = recv(farewell->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    farewell->n_dropped += (size_t)n;
    return n > 0 && farewell->n_dropped < DROPPED_MAX;
}

void farewells_tend(Farewells *farewells, const struct pollfd *polls, size_t n)
{
    usec_t now = now_monotonic();

    /* Backwards, so that the places of those to come stay the same. */
    for (size_t i = n; i-- > 0;) {
        Farewell *farewell = &farewells->list[i];

        if (now >= farewell->deadline || (polls[i].revents && !drop_some(farewell)))
            remove_at(farewells, i);
    }
}

usec_t farewells_deadline(const Farewells *farewells)
{
    return farewells->n > 0 ? farewells->list[0].deadline : USEC_INFINITY;
}

void farewells_close(Farewells *farewells)
{
    for (size_t i = 0; i < farewells->n; i++)
        (void)safe_close(farewells->list[i].fd);
    farewells->n = 0;
}
