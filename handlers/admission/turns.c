/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admission/turns.h"

#include <sys/queue.h>
#include <sys/socket.h>

typedef struct Waiter {
    TAILQ_ENTRY(Waiter) all, own;
    TurnHolder *holder;
    int fd;
    usec_t since;
    bool has_spoken;
} Waiter;

typedef TAILQ_HEAD(WaiterList, Waiter) WaiterList;

struct TurnHolder {
    LIST_ENTRY(TurnHolder) list;
    Source source;
    unsigned n_served;
    size_t n_waiting;
    WaiterList waiters;
};

struct Turns {
    unsigned source_max;
    size_t waiting_max, n_waiting;
    LIST_HEAD(, TurnHolder) holders;
    WaiterList waiters; /* of all sources, the oldest first */
};

static TurnHolder *find(Turns *turns, const Source *source)
{
    TurnHolder *h;

    LIST_FOREACH (h, &turns->holders, list)
        if (source_equal(&h->source, source))
            return h;
    h = calloc(1, sizeof(*h));
    if (!h)
        return NULL;
    h->source = *source;
    TAILQ_INIT(&h->waiters);
    LIST_INSERT_HEAD(&turns->holders, h, list);
    return h;
}

static void forget_if_unused(TurnHolder *holder)
{
    if (holder->n_served > 0 || holder->n_waiting > 0)
        return;
    LIST_REMOVE(holder, list);
    free(holder);
}

/* Takes the connection out of the lists. The holder stays, even if it is unused. */
static Turn leave(Turns *turns, Waiter *waiter)
{
    TurnHolder *holder = waiter->holder;
    Turn turn = { .fd = waiter->fd, .source = holder->source, .holder = holder };

    TAILQ_REMOVE(&turns->waiters, waiter, all);
    TAILQ_REMOVE(&holder->waiters, waiter, own);
    turns->n_waiting--;
    holder->n_waiting--;
    free(waiter);
    return turn;
}

/* The same for a connection that will not be served. */
static Turn leave_for_good(Turns *turns, Waiter *waiter)
{
    Turn turn = leave(turns, waiter);

    forget_if_unused(turn.holder);
    turn.holder = NULL;
    return turn;
}

static Turn leave_greediest(Turns *turns)
{
    TurnHolder *h, *most = NULL;

    LIST_FOREACH (h, &turns->holders, list)
        if (!most || h->n_waiting > most->n_waiting)
            most = h;
    return leave_for_good(turns, TAILQ_LAST(&most->waiters, WaiterList));
}

int turns_enter(Turns *turns, const Source *source, int fd, Turn *ret)
{
    TurnHolder *holder = find(turns, source);
    Waiter *waiter = holder ? calloc(1, sizeof(*waiter)) : NULL;

    if (!waiter) {
        if (holder)
            forget_if_unused(holder);
        return -ENOMEM;
    }
    *waiter = (Waiter){ .holder = holder, .fd = fd, .since = now_monotonic() };
    TAILQ_INSERT_TAIL(&turns->waiters, waiter, all);
    TAILQ_INSERT_TAIL(&holder->waiters, waiter, own);
    turns->n_waiting++;
    holder->n_waiting++;
    if (turns->n_waiting <= turns->waiting_max)
        return 0;
    *ret = leave_greediest(turns);
    return 1;
}

/* Whether the oldest connection of @a comes before that of @b. */
static bool is_before(const TurnHolder *a, const TurnHolder *b)
{
    if (a->n_served != b->n_served)
        return a->n_served < b->n_served;
    return TAILQ_FIRST(&a->waiters)->since < TAILQ_FIRST(&b->waiters)->since;
}

bool turns_take(Turns *turns, Turn *ret)
{
    TurnHolder *h, *next = NULL;

    if (turns->n_waiting == 0)
        return false;
    LIST_FOREACH (h, &turns->holders, list)
        if (h->n_waiting > 0 && h->n_served < turns->source_max && (!next || is_before(h, next)))
            next = h;
    if (!next)
        return false;
    next->n_served++;
    *ret = leave(turns, TAILQ_FIRST(&next->waiters));
    return true;
}

void turns_end(_unused_ Turns *turns, TurnHolder *holder)
{
    holder->n_served--;
    forget_if_unused(holder);
}

/* Whether its client can still want an answer: it has not left, and was not silent for too long. */
static bool is_alive(Waiter *waiter, usec_t now)
{
    char c;
    ssize_t n;

    if (waiter->has_spoken || now < waiter->since + TURNS_SILENT_MAX)
        return true;
    n = recv(waiter->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    waiter->has_spoken = n > 0;
    return waiter->has_spoken;
}

bool turns_take_expired(Turns *turns, usec_t wait_max, Turn *ret)
{
    usec_t now = now_monotonic();
    Waiter *w, *next;

    for (w = TAILQ_FIRST(&turns->waiters); w; w = next) {
        next = TAILQ_NEXT(w, all);
        if (!is_alive(w, now)) {
            (void)safe_close(leave_for_good(turns, w).fd);
        } else if (now >= w->since + wait_max) {
            *ret = leave_for_good(turns, w);
            return true;
        }
    }
    return false;
}

size_t turns_waiting(const Turns *turns)
{
    return turns->n_waiting;
}

void turns_close_waiting(const Turns *turns)
{
    const Waiter *w;

    TAILQ_FOREACH (w, &turns->waiters, all)
        (void)safe_close(w->fd);
}

int turns_new(unsigned source_max, size_t waiting_max, Turns **ret)
{
    Turns *turns = calloc(1, sizeof(*turns));

    if (!turns)
        return -ENOMEM;
    turns->source_max = source_max;
    turns->waiting_max = waiting_max;
    LIST_INIT(&turns->holders);
    TAILQ_INIT(&turns->waiters);
    *ret = turns;
    return 0;
}

Turns *turns_free(Turns *turns)
{
    TurnHolder *h;

    if (!turns)
        return NULL;
    while (!TAILQ_EMPTY(&turns->waiters))
        (void)safe_close(leave_for_good(turns, TAILQ_FIRST(&turns->waiters)).fd);
    while ((h = LIST_FIRST(&turns->holders))) {
        LIST_REMOVE(h, list);
        free(h);
    }
    free(turns);
    return NULL;
}
