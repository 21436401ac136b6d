/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "processes/fork-server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "base/confinement.h"
#include "base/macro.h"
#include "base/number.h"
#include "log/log.h"
#include "processes/children.h"
#include "processes/high-descriptors.h"
#include "processes/listeners.h"

#define CHILDREN_LIMIT 65536U
#define SECONDS_LIMIT  (365UL * 24 * 3600)
/* Connections accepted between two checks for signals, so that a flood of connections cannot delay
 * a signal. */
#define ACCEPT_BATCH 32U
/* Times that room for them is looked for meanwhile: clients may have left. */
#define ACCEPT_LOOKS 4U
/* Processes started before new connections are accepted: a fork takes milliseconds, and the next
 * connection may be of a source that comes first. */
#define FORK_BATCH 16U
/* Connections that wait at most, of all sources. Fewer where the process may not have so many
 * descriptors: then DESCRIPTORS_OTHER are left for everything else, or a quarter of all. */
#define WAITING_MAX       4096U
#define DESCRIPTORS_LOW   64U
#define DESCRIPTORS_OTHER (2 * DESCRIPTORS_LOW)
/* No connection waits longer than this once the server is stopping. */
#define STOP_WAIT_MAX (3 * USEC_PER_SEC)
/* This part of the places is left for sources of which no connection is served. */
#define RESERVED_PART 8

/* exit() runs the destructors of every library, which is a fifth of the cost of a connection, and
 * frees memory that the kernel frees anyway. The leak checker needs it. */
#ifdef __SANITIZE_ADDRESS__
#define leave exit
#else
#define leave _exit
#endif

typedef struct Parent {
    const ForkServer *server;
    int signal_fd;
    Listeners listeners;
    HighDescriptors connections;
    WaitingRoom room;
    Children children;
    Shortage processes;
    Shortage polling;
    struct pollfd *polls; /* the signalfd, those of the waiting room, each listening socket */
    usec_t idle_since;
    unsigned forks_left; /* in this round of the loop */
    bool stopping;
} Parent;

int fork_server_parse_idle_timeout(const char *text, usec_t *ret)
{
    uint64_t seconds;
    int r = number_parse(text, strlen(text), SECONDS_LIMIT, &seconds);

    if (r < 0)
        return r;
    *ret = seconds == 0 ? USEC_INFINITY : seconds * USEC_PER_SEC;
    return 0;
}

int fork_server_parse_children_max(const char *text, unsigned *ret)
{
    uint64_t n;
    int r = number_parse(text, strlen(text), CHILDREN_LIMIT, &n);

    if (r < 0 || n == 0)
        return -EINVAL;
    *ret = (unsigned)n;
    return 0;
}

unsigned fork_server_source_max(unsigned children_max)
{
    return children_max < 4 ? 1 : children_max / 4;
}

static int serve_connection(const ForkServer *server, int fd)
{
    int on = 1, r = confine_connection(server->outbound);

    if (r < 0)
        return r;
    /* A response is one write. This fails on unix sockets, where it is not needed. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    server->serve(fd, server->userdata);
    return 0;
}

/* Closes the descriptors of all other connections. Returns a new one of the connection at @fd. */
static int keep_only(Parent *parent, int fd)
{
    int own;

    (void)safe_close(parent->signal_fd);
    (void)safe_close(turns_fd(parent->room.turns));
    listeners_close(&parent->listeners);
    own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own >= parent->connections.first || !high_descriptors_close(&parent->connections))
        waiting_room_close(&parent->room);
    return own;
}

/* The signals that the parent blocks stay blocked: SIGTERM because serve() expects it, SIGINT
 * because Ctrl-C reaches the whole process group and the parent forwards it as SIGTERM. */
static _Noreturn void run_child(Parent *parent, int fd)
{
    int r;

    fd = keep_only(parent, fd);
    /* Sent by the parent, it could come after the answer, which must say that the connection ends.
     */
    if (parent->stopping)
        (void)raise(SIGTERM);
    r = serve_connection(parent->server, fd);
    if (r < 0)
        (void)log_event_errno(LOG_EVENT_NOT_CONFINED, r,
                              "Closed a connection: failed to confine its process: %m");
    (void)safe_close(fd);
    leave(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static usec_t deadline_of(const ForkServer *server)
{
    return server->lifetime == USEC_INFINITY ? USEC_INFINITY : now_monotonic() + server->lifetime;
}

/* Without a process for it, the connection goes on waiting. Returns whether one was started. */
static bool serve_one(Parent *parent)
{
    Turns *turns = parent->room.turns;
    Turn turn;
    pid_t pid;

    if (!turns_next(turns, &turn))
        return false;
    if (parent->server->prepare)
        parent->server->prepare(parent->server->userdata);
    pid = fork();
    if (pid < 0) {
        shortage_begin(&parent->processes, errno, now_monotonic());
        return false;
    }
    if (pid == 0)
        run_child(parent, turn.fd);
    turns_take(turns, &turn);
    (void)safe_close(turn.fd);
    children_add(&parent->children, pid, deadline_of(parent->server), turn.holder);
    return true;
}

static void serve_waiting(Parent *parent)
{
    if (shortage_is_over(&parent->processes, now_monotonic()))
        while (parent->forks_left > 0 && serve_one(parent))
            parent->forks_left--;
}

static void accept_some(Parent *parent, size_t listener)
{
    unsigned looks_left = ACCEPT_LOOKS;

    for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
        SocketAddress peer;
        Source source;
        int fd = listeners_accept(&parent->listeners, listener, &peer);

        if (fd == -EAGAIN)
            return;
        if (fd < 0)
            continue;
        source = source_of(&peer);
        fd = high_descriptors_move(&parent->connections, fd);
        if (waiting_room_is_full(&parent->room)) {
            if (looks_left > 0) {
                turns_tend(parent->room.turns);
                looks_left--;
            }
            serve_waiting(parent);
        }
        if (waiting_room_enter(&parent->room, &source, fd) < 0) {
            shortage_begin(&parent->listeners.shortage, ENOMEM, now_monotonic());
            return;
        }
    }
}

static void stop(Parent *parent)
{
    if (parent->stopping)
        return;
    parent->stopping = true;
    (void)sd_notify(false, "STOPPING=1");
    /* From here on only the service manager holds the sockets. New connections wait there for the
     * next start; where no other process holds a socket, the kernel refuses them at once. */
    listeners_close(&parent->listeners);
    children_terminate(&parent->children);
}

static void handle_signals(Parent *parent)
{
    struct signalfd_siginfo info;

    while (read(parent->signal_fd, &info, sizeof(info)) == sizeof(info))
        if (info.ssi_signo != SIGCHLD)
            stop(parent);
    /* Its process may have been what the next one lacks. */
    if (children_reap(&parent->children, parent->room.turns) > 0)
        shortage_end(&parent->processes);
}

static bool is_empty(const Parent *parent)
{
    return parent->children.n == 0 && waiting_room_is_empty(&parent->room);
}

/* No connection is open, or waits to be accepted. */
static bool is_quiet(const Parent *parent)
{
    return is_empty(parent) && shortage_deadline(&parent->listeners.shortage) == USEC_INFINITY;
}

/* @was_quiet: before the last events */
static void stop_if_idle(Parent *parent, bool was_quiet)
{
    usec_t now = now_monotonic(), timeout = parent->server->idle_timeout;

    if (!was_quiet || !is_quiet(parent))
        parent->idle_since = now;
    else if (timeout != USEC_INFINITY && now >= parent->idle_since + timeout)
        stop(parent);
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

/* The time at which the loop must act even without an event. */
static usec_t next_deadline(const Parent *parent)
{
    usec_t timeout = parent->server->idle_timeout;
    usec_t next = waiting_room_deadline(&parent->room);

    if (parent->forks_left == 0)
        return 0; /* more connections may have their turn */
    next = earlier(next, parent->children.kill_next);
    next = earlier(next, shortage_deadline(&parent->processes));
    if (parent->stopping)
        return next;
    next = earlier(next, shortage_deadline(&parent->listeners.shortage));
    if (timeout != USEC_INFINITY && is_quiet(parent))
        next = earlier(next, parent->idle_since + timeout);
    return next;
}

static bool is_done(const Parent *parent)
{
    return parent->stopping && is_empty(parent);
}

/* The kernel watches no more descriptors than the process may open, a limit that can be lowered
 * later, and needs memory for them. Until it can, all of them may be ready: to look costs little.
 */
static int await_events(Parent *parent, size_t n)
{
    usec_t deadline = next_deadline(parent);
    int r = poll(parent->polls, n, deadline_to_poll(deadline));

    if (r >= 0 || (errno != EINVAL && errno != ENOMEM))
        return r < 0 ? -errno : 0;
    shortage_begin(&parent->polling, errno, now_monotonic());
    (void)poll(NULL, 0, deadline_to_poll(earlier(deadline, shortage_deadline(&parent->polling))));
    for (size_t i = 0; i < n; i++)
        parent->polls[i].revents = POLLIN;
    return 0;
}

static int loop(Parent *parent)
{
    while (!is_done(parent)) {
        bool was_quiet = is_quiet(parent);
        struct pollfd *room = &parent->polls[1];
        size_t n_room = waiting_room_poll(&parent->room, room);
        struct pollfd *listening = &room[n_room];
        size_t n_listening = parent->stopping ? 0 : listeners_poll(&parent->listeners, listening);
        int r = await_events(parent, 1 + n_room + n_listening);

        if (r < 0 && r != -EINTR)
            return r;
        if (r < 0)
            continue;
        parent->forks_left = FORK_BATCH;
        waiting_room_tend(&parent->room, room, n_room,
                          parent->stopping ? STOP_WAIT_MAX : TURNS_WAIT_MAX);
        children_kill_overdue(&parent->children);
        if (parent->polls[0].revents)
            handle_signals(parent);
        /* A free place may be the turn of a connection that has just arrived. */
        for (size_t i = 0; !parent->stopping && i < n_listening; i++)
            if (listening[i].revents)
                accept_some(parent, i);
        serve_waiting(parent);
        stop_if_idle(parent, was_quiet);
    }
    return 0;
}

static size_t bounded(size_t n, size_t max)
{
    return n < 1 ? 1 : n < max ? n : max;
}

/* How many connections may wait, and be open after they were turned away. There is room for some of
 * both with any limit: otherwise a source with many connections would hide those of others. */
static void find_room(const ForkServer *server, size_t *ret_waiting, size_t *ret_farewells)
{
    struct rlimit limit = { 0 };
    size_t n, others;

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    n = (size_t)limit.rlim_cur;
    others = bounded(n / 4, DESCRIPTORS_OTHER) + server->activation->n_fds;
    n = n > others ? n - others : 0;
    *ret_farewells = bounded(n / 3, FAREWELLS_MAX);
    *ret_waiting = bounded(n - *ret_farewells, WAITING_MAX);
}

static int parent_init(Parent *parent, const sigset_t *signals)
{
    const ForkServer *server = parent->server;
    size_t n_sockets = server->activation->n_fds, farewells_max;
    TurnRules rules = {
        .places = server->children_max,
        .reserved = server->children_max / RESERVED_PART,
        .source_max = server->source_max ? server->source_max : server->children_max,
        .identify = server->identify,
        .has_arrived = server->has_arrived,
        .userdata = server->userdata,
    };
    int r = children_init(&parent->children, server->children_max);

    find_room(server, &rules.waiting_max, &farewells_max);
    if (r >= 0)
        r = waiting_room_init(&parent->room, &rules, farewells_max, server->crowded, server->late);
    if (r >= 0)
        r = listeners_init(&parent->listeners, server->activation);
    if (r < 0)
        return r;
    parent->polls = calloc(1 + WAITING_ROOM_POLLS_MAX + n_sockets, sizeof(*parent->polls));
    if (!parent->polls)
        return -ENOMEM;
    parent->signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (parent->signal_fd < 0)
        return -errno;
    parent->polls[0] = (struct pollfd){ .fd = parent->signal_fd, .events = POLLIN };
    parent->connections.first = parent->signal_fd + (int)(DESCRIPTORS_LOW + n_sockets);
    return 0;
}

static void parent_done(Parent *parent)
{
    parent->signal_fd = safe_close(parent->signal_fd);
    free(parent->polls);
    waiting_room_done(&parent->room);
    children_done(&parent->children);
}

static int run_listening(const ForkServer *server, const sigset_t *signals)
{
    _cleanup_(parent_done) Parent parent = {
        .server = server,
        .signal_fd = -EBADF,
        .processes.what = "start a process for a connection",
        .polling.what = "wait for connections",
        .idle_since = now_monotonic(),
    };
    int r = parent_init(&parent, signals);

    if (r < 0)
        return r;
    /* Where this fails, the process of a connection fails to confine itself as well: it is closed,
     * and the journal says so. */
    (void)confine_listener();
    /* Otherwise the C library reads the time zone file in each child, for its first date. */
    tzset();
    (void)sd_notify(false, "READY=1");
    return loop(&parent);
}

static int run_connected(const ForkServer *server)
{
    int r;

    (void)sd_notify(false, "READY=1");
    if (server->prepare)
        server->prepare(server->userdata);
    r = serve_connection(server, server->activation->fds[0]);
    (void)sd_notify(false, "STOPPING=1");
    return r;
}

int fork_server_run(const ForkServer *server)
{
    bool listening = server->activation->kind == ACTIVATION_LISTENING;
    sigset_t signals, before;
    int r = 0;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    if (listening) {
        (void)sigaddset(&signals, SIGINT);
        (void)sigaddset(&signals, SIGCHLD);
    }
    if (sigprocmask(SIG_BLOCK, &signals, &before) < 0)
        return -errno;
    confine_memory();
    if (listening)
        r = run_listening(server, &signals);
    else
        r = run_connected(server);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return r;
}
