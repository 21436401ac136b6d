/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admission/turns.h"

#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>

/* Events that are read at a time, and how often before other work has its turn. */
#define EVENTS_MAX 64
#define ROUNDS_MAX 4

typedef struct Waiter {
    TAILQ_ENTRY(Waiter) all, own;
    TurnHolder *holder;
    int fd;
    usec_t since;
    bool has_spoken;
    bool is_known; /* its client: else it counts as the peer's */
    bool is_ready; /* its client is known, and its request has arrived */
    bool is_watched;
} Waiter;

typedef TAILQ_HEAD(WaiterList, Waiter) WaiterList;

struct TurnHolder {
    LIST_ENTRY(TurnHolder) list;
    Source source;
    unsigned n_served;
    size_t n_waiting;
    WaiterList ready, unready;
};

struct Turns {
    TurnRules rules;
    unsigned n_served;
    size_t n_waiting;
    LIST_HEAD(, TurnHolder) holders;
    WaiterList waiters; /* of all sources, the oldest first */
    int epoll_fd;
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
    TAILQ_INIT(&h->ready);
    TAILQ_INIT(&h->unready);
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

static WaiterList *own_list(const Waiter *waiter)
{
    return waiter->is_ready ? &waiter->holder->ready : &waiter->holder->unready;
}

static void join(Waiter *waiter, TurnHolder *holder)
{
    waiter->holder = holder;
    TAILQ_INSERT_TAIL(own_list(waiter), waiter, own);
    holder->n_waiting++;
}

/* The holder stays, even if it is unused. */
static TurnHolder *part(Waiter *waiter)
{
    TAILQ_REMOVE(own_list(waiter), waiter, own);
    waiter->holder->n_waiting--;
    return waiter->holder;
}

/* Takes the connection out of the lists. The holder stays, even if it is unused. */
static Turn leave(Turns *turns, Waiter *waiter)
{
    TurnHolder *holder = part(waiter);
    Turn turn = { .fd = waiter->fd, .source = holder->source, .holder = holder };

    TAILQ_REMOVE(&turns->waiters, waiter, all);
    turns->n_waiting--;
    /* The process that serves it keeps the socket open, and its events would still arrive here. */
    (void)epoll_ctl(turns->epoll_fd, EPOLL_CTL_DEL, waiter->fd, NULL);
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

/* The connection of this source that would leave: the newest one, first of those whose request has
 * not arrived. */
static Waiter *last_of(const TurnHolder *holder)
{
    return TAILQ_LAST(TAILQ_EMPTY(&holder->unready) ? &holder->ready : &holder->unready,
                      WaiterList);
}

/* Whether a connection of @a leaves before one of @b. Among sources with the same number, slow
 * clients must not keep out others, who send their request at once. */
static bool leaves_before(const TurnHolder *a, const TurnHolder *b)
{
    const Waiter *last_a = last_of(a), *last_b = last_of(b);

    if (a->n_waiting != b->n_waiting)
        return a->n_waiting > b->n_waiting;
    if (last_a->is_ready != last_b->is_ready)
        return last_b->is_ready;
    return last_a->since < last_b->since;
}

static Turn leave_greediest(Turns *turns)
{
    TurnHolder *h, *most = NULL;

    LIST_FOREACH (h, &turns->holders, list)
        if (h->n_waiting > 0 && (!most || leaves_before(h, most)))
            most = h;
    return leave_for_good(turns, last_of(most));
}

/* A client that only ended its sending side counts as one that left: otherwise a connection that
 * costs its client nothing any more would keep a place here. Without memory for the event,
 * turns_take_expired() looks at the connection. */
static void watch(const Turns *turns, int operation, Waiter *waiter)
{
    struct epoll_event event = { .events = EPOLLRDHUP, .data.ptr = waiter };

    /* The bytes stay in the socket: each arrival is one event. */
    if (!waiter->is_ready)
        event.events |= EPOLLIN | EPOLLET;
    waiter->is_watched = epoll_ctl(turns->epoll_fd, operation, waiter->fd, &event) >= 0;
}

/* From now on, the connection counts as that of @source. Without memory, it stays with its peer's
 * source. */
static void settle(Turns *turns, Waiter *waiter, const Source *source)
{
    TurnHolder *before, *holder = find(turns, source);

    if (!holder)
        holder = waiter->holder;
    before = part(waiter);
    waiter->is_known = true;
    join(waiter, holder);
    forget_if_unused(before);
}

static bool identify(const Turns *turns, int fd, Source *source)
{
    return !turns->rules.identify || turns->rules.identify(fd, source, turns->rules.userdata);
}

static bool has_arrived(const Turns *turns, int fd)
{
    return !turns->rules.has_arrived || turns->rules.has_arrived(fd, turns->rules.userdata);
}

/* Puts a connection whose client is known into the list of those that can have their turn, if its
 * request has arrived. Returns whether it is there. */
static bool notice_request(const Turns *turns, Waiter *waiter)
{
    TurnHolder *holder;

    if (waiter->is_ready || !has_arrived(turns, waiter->fd))
        return waiter->is_ready;
    holder = part(waiter);
    waiter->is_ready = true;
    join(waiter, holder);
    watch(turns, EPOLL_CTL_MOD, waiter);
    return true;
}

int turns_enter(Turns *turns, const Source *peer, int fd, Turn *ret)
{
    Source source = *peer;
    bool is_known = identify(turns, fd, &source);
    TurnHolder *holder = find(turns, &source);
    Waiter *waiter = holder ? calloc(1, sizeof(*waiter)) : NULL;

    if (!waiter) {
        if (holder)
            forget_if_unused(holder);
        return -ENOMEM;
    }
    *waiter = (Waiter){ .fd = fd,
                        .since = now_monotonic(),
                        .is_known = is_known,
                        .is_ready = is_known && has_arrived(turns, fd) };
    TAILQ_INSERT_TAIL(&turns->waiters, waiter, all);
    join(waiter, holder);
    turns->n_waiting++;
    watch(turns, EPOLL_CTL_ADD, waiter);
    if (turns->n_waiting <= turns->rules.waiting_max)
        return 0;
    *ret = leave_greediest(turns);
    return 1;
}

/* Whether the next connection of @a comes before that of @b. */
static bool is_before(const TurnHolder *a, const TurnHolder *b)
{
    if (a->n_served != b->n_served)
        return a->n_served < b->n_served;
    return TAILQ_FIRST(&a->ready)->since < TAILQ_FIRST(&b->ready)->since;
}

/* The places that sources which have one already can take. */
static unsigned places_for(const Turns *turns, const TurnHolder *holder)
{
    return turns->rules.places - (holder->n_served > 0 ? turns->rules.reserved : 0);
}

static bool may_have_turn(const Turns *turns, const TurnHolder *holder)
{
    return !TAILQ_EMPTY(&holder->ready) && holder->n_served < turns->rules.source_max &&
           turns->n_served < places_for(turns, holder);
}

bool turns_next(const Turns *turns, Turn *ret)
{
    TurnHolder *h, *next = NULL;

    if (turns->n_waiting == 0 || turns->n_served >= turns->rules.places)
        return false;
    LIST_FOREACH (h, &turns->holders, list)
        if (may_have_turn(turns, h) && (!next || is_before(h, next)))
            next = h;
    if (!next)
        return false;
    *ret = (Turn){ .source = next->source, .holder = next, .waiter = TAILQ_FIRST(&next->ready) };
    ret->fd = ret->waiter->fd;
    return true;
}

void turns_take(Turns *turns, const Turn *turn)
{
    turn->holder->n_served++;
    turns->n_served++;
    (void)leave(turns, turn->waiter);
}

void turns_end(Turns *turns, TurnHolder *holder)
{
    turns->n_served--;
    holder->n_served--;
    forget_if_unused(holder);
}

int turns_fd(const Turns *turns)
{
    return turns->epoll_fd;
}

/* Looks at what has arrived. If what it sent in time does not tell who it is, the peer is the
 * client. Returns whether the connection can have its turn. */
static bool look(Turns *turns, Waiter *waiter)
{
    Source source = waiter->holder->source;

    if (!waiter->is_known && (identify(turns, waiter->fd, &source) || waiter->has_spoken))
        settle(turns, waiter, &source);
    return waiter->is_known && notice_request(turns, waiter);
}

/* An arrival can be the whole request and the end of the client's side: then the connection can
 * still have its turn before the next event. */
static void tend(Turns *turns, Waiter *waiter, uint32_t events)
{
    bool was_ready = waiter->is_ready, is_broken = events & (EPOLLHUP | EPOLLERR);

    if (!was_ready && !is_broken && look(turns, waiter))
        return;
    if (is_broken || (events & EPOLLRDHUP))
        (void)safe_close(leave_for_good(turns, waiter).fd);
}

/* Clients that go on sending must not keep this here: what is left is an event of turns_fd(). */
void turns_tend(Turns *turns)
{
    struct epoll_event events[EVENTS_MAX];
    int n = EVENTS_MAX;

    for (unsigned round = 0; n == EVENTS_MAX && round < ROUNDS_MAX; round++) {
        n = epoll_wait(turns->epoll_fd, events, EVENTS_MAX, 0);
        for (int i = 0; i < n; i++)
            tend(turns, events[i].data.ptr, events[i].events);
    }
}

/* Whether its client has sent something, or still has time for it. */
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

static usec_t end_of_wait(const Waiter *waiter, usec_t wait_max)
{
    if (!waiter->is_ready && wait_max > TURNS_REQUEST_MAX)
        wait_max = TURNS_REQUEST_MAX;
    return waiter->since + wait_max;
}

bool turns_take_expired(Turns *turns, usec_t wait_max, Turn *ret)
{
    usec_t now = now_monotonic();
    Waiter *w, *next;

    for (w = TAILQ_FIRST(&turns->waiters); w; w = next) {
        next = TAILQ_NEXT(w, all);
        if (!w->is_watched && !w->is_ready)
            (void)look(turns, w);
        if (!is_alive(w, now)) {
            (void)safe_close(leave_for_good(turns, w).fd);
        } else if (now >= end_of_wait(w, wait_max) && (w->is_ready || !look(turns, w))) {
            bool is_late = !w->is_ready;

            *ret = leave_for_good(turns, w);
            ret->is_late = is_late;
            return true;
        } else if (!w->is_known && w->has_spoken) {
            (void)look(turns, w);
        }
    }
    return false;
}

size_t turns_waiting(const Turns *turns)
{
    return turns->n_waiting;
}

bool turns_are_full(const Turns *turns)
{
    return turns->n_waiting >= turns->rules.waiting_max;
}

void turns_close_waiting(const Turns *turns)
{
    const Waiter *w;

    TAILQ_FOREACH (w, &turns->waiters, all)
        (void)safe_close(w->fd);
}

int turns_new(const TurnRules *rules, Turns **ret)
{
    _cleanup_free_ Turns *turns = calloc(1, sizeof(*turns));

    if (!turns)
        return -ENOMEM;
    turns->rules = *rules;
    LIST_INIT(&turns->holders);
    TAILQ_INIT(&turns->waiters);
    turns->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (turns->epoll_fd < 0)
        return -errno;
    *ret = TAKE_PTR(turns);
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
    (void)safe_close(turns->epoll_fd);
    free(turns);
    return NULL;
}
