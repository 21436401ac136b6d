/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/fork-server.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "admission/farewells.h"
#include "admission/turns.h"
#include "base/confinement.h"
#include "base/macro.h"
#include "base/number.h"
#include "log/log.h"

#define CHILDREN_LIMIT 65536U
#define SECONDS_LIMIT  (365UL * 24 * 3600)
/* Connections accepted between two checks for signals, so that a flood of connections cannot delay
 * a signal. */
#define ACCEPT_BATCH 32U
#define PAUSE_MSEC   100
/* Connections that wait at most, of all sources. Less where the process may not have so many
 * descriptors; DESCRIPTORS_OTHER are left for everything else. */
#define WAITING_MAX       4096U
#define DESCRIPTORS_LOW   64U
#define DESCRIPTORS_OTHER (FAREWELLS_MAX + 2 * DESCRIPTORS_LOW)
/* How often to look for connections that waited too long. */
#define EXPIRY_INTERVAL (250 * USEC_PER_MSEC)
/* No connection waits longer than this once the server is stopping. */
#define STOP_WAIT_MAX (3 * USEC_PER_SEC)
/* One entry tells of all connections that are turned away within this time. */
#define TOLD_INTERVAL (10 * USEC_PER_SEC)

/* exit() runs the destructors of every library, which is a fifth of the cost of a connection, and
 * frees memory that the kernel frees anyway. The leak checker needs it. */
#ifdef __SANITIZE_ADDRESS__
#define leave exit
#else
#define leave _exit
#endif

typedef struct Child {
    pid_t pid;
    usec_t deadline; /* USEC_INFINITY: it was killed, or has none */
    TurnHolder *holder;
} Child;

typedef struct Parent {
    const ForkServer *server;
    Child *children;
    size_t n_children;
    usec_t kill_next;     /* not later than the earliest deadline of a child */
    struct pollfd *polls; /* the signalfd, each listening socket, each of the farewells */
    Turns *turns;
    size_t waiting_max;
    int first_fd;       /* the descriptors of accepted connections begin here, … */
    bool has_low;       /* … unless there was no free one */
    usec_t expire_next; /* when to look for connections that waited too long */
    Farewells farewells;
    usec_t quiet_until;     /* no entry about connections turned away before */
    uint64_t n_turned_away; /* since the last entry */
    usec_t idle_since;
    bool stopping;
    bool told_shortage; /* the shortage of a resource was logged */
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

static size_t n_listening(const Parent *parent)
{
    return parent->server->activation->n_fds;
}

static bool is_full(const Parent *parent)
{
    return parent->n_children >= parent->server->children_max;
}

static void forget_child(Parent *parent, pid_t pid)
{
    for (size_t i = 0; i < parent->n_children; i++)
        if (parent->children[i].pid == pid) {
            turns_end(parent->turns, parent->children[i].holder);
            parent->children[i] = parent->children[--parent->n_children];
            parent->idle_since = now_monotonic();
            return;
        }
}

static void reap_children(Parent *parent)
{
    pid_t pid;

    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        forget_child(parent, pid);
}

/* A child has deadlines of its own. One that no longer keeps them may be under the control of its
 * client. */
static void kill_overdue(Parent *parent)
{
    usec_t now = now_monotonic();

    if (now < parent->kill_next)
        return;
    parent->kill_next = USEC_INFINITY;
    for (size_t i = 0; i < parent->n_children; i++) {
        Child *child = &parent->children[i];

        if (child->deadline <= now) {
            log_event(LOG_EVENT_CONNECTION_KILLED, NULL,
                      "Killed process %d because its connection did not end in time", child->pid);
            (void)kill(child->pid, SIGKILL);
            child->deadline = USEC_INFINITY;
        }
        if (child->deadline < parent->kill_next)
            parent->kill_next = child->deadline;
    }
}

/* Other processes hold a resource that this one needs. Waits a moment, so that the caller does not
 * spin. */
static void pause_for(Parent *parent, int error, const char *what)
{
    if (!parent->told_shortage)
        (void)log_event_errno(LOG_EVENT_SHORTAGE, error, "Failed to %s, will retry: %m", what);
    parent->told_shortage = true;
    (void)poll(NULL, 0, PAUSE_MSEC);
}

static int serve_connection(const ForkServer *server, int fd)
{
    int on = 1, r = confine_connection();

    if (r < 0)
        return r;
    /* A response is one write. This fails on unix sockets, where it is not needed. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    server->serve(fd, server->userdata);
    return 0;
}

/* Descriptors of connections lie above all others, so that the process of a connection can close
 * thousands of them at once. */
static int move_up(Parent *parent, int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, parent->first_fd);

    if (high < 0) {
        parent->has_low = true;
        return fd;
    }
    (void)safe_close(fd);
    return high;
}

/* Closes the descriptors of all other connections. Returns a descriptor of the one at @fd. */
static int keep_only(Parent *parent, int fd)
{
    int low = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (low >= 0 && low < parent->first_fd && !parent->has_low &&
        close_range((unsigned)parent->first_fd, UINT_MAX, 0) == 0)
        return low;
    (void)safe_close(low);
    turns_close_waiting(parent->turns);
    farewells_close(&parent->farewells);
    return fd;
}

/* The signals that the parent blocks stay blocked: SIGTERM because serve() expects it, SIGINT
 * because Ctrl-C reaches the whole process group and the parent forwards it as SIGTERM. */
static _Noreturn void run_child(Parent *parent, int fd)
{
    int r;

    for (size_t i = 0; i <= n_listening(parent); i++)
        (void)safe_close(parent->polls[i].fd);
    fd = keep_only(parent, fd);
    r = serve_connection(parent->server, fd);
    if (r < 0)
        (void)log_error_errno(r, "Closed a connection: failed to confine its process: %m");
    (void)safe_close(fd);
    leave(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static usec_t deadline_of(const ForkServer *server)
{
    return server->lifetime == USEC_INFINITY ? USEC_INFINITY : now_monotonic() + server->lifetime;
}

/* Takes the connection over. Retries fork() without end, because its turn has come. */
static void fork_for(Parent *parent, const Turn *turn)
{
    Child *child;
    pid_t pid;

    if (parent->server->prepare)
        parent->server->prepare(parent->server->userdata);
    while ((pid = fork()) < 0) {
        pause_for(parent, errno, "start a process for a connection");
        kill_overdue(parent);
        reap_children(parent);
    }
    if (pid == 0)
        run_child(parent, turn->fd);
    (void)safe_close(turn->fd);
    child = &parent->children[parent->n_children++];
    *child = (Child){ .pid = pid, .deadline = deadline_of(parent->server), .holder = turn->holder };
    if (child->deadline < parent->kill_next)
        parent->kill_next = child->deadline;
    if (parent->stopping)
        (void)kill(pid, SIGTERM);
}

/* The same client may come again and again: it must not fill the journal. */
static void tell_turned_away(Parent *parent, const Source *source)
{
    usec_t now = now_monotonic();
    char text[SOURCE_TEXT_SIZE];

    parent->n_turned_away++;
    if (now < parent->quiet_until)
        return;
    parent->quiet_until = now + TOLD_INTERVAL;
    log_event(LOG_EVENT_TURNED_AWAY, NULL,
              "Connections turned away since the last entry, because too many are open: %" PRIu64
              ", the last one from %s",
              parent->n_turned_away, source_format(source, text));
    parent->n_turned_away = 0;
}

/* Takes the connection over. */
static void turn_away(Parent *parent, const Turn *turn)
{
    tell_turned_away(parent, &turn->source);
    if (!parent->server->turn_away) {
        (void)safe_close(turn->fd);
        return;
    }
    parent->server->turn_away(turn->fd);
    farewells_add(&parent->farewells, turn->fd);
}

static void turn_away_expired(Parent *parent)
{
    usec_t now = now_monotonic();
    Turn turn;

    if (now < parent->expire_next)
        return;
    parent->expire_next = now + EXPIRY_INTERVAL;
    while (
        turns_take_expired(parent->turns, parent->stopping ? STOP_WAIT_MAX : TURNS_WAIT_MAX, &turn))
        turn_away(parent, &turn);
}

static void serve_next(Parent *parent)
{
    Turn turn;

    while (!is_full(parent) && turns_take(parent->turns, &turn))
        fork_for(parent, &turn);
}

static void admit(Parent *parent, int fd, const SocketAddress *peer)
{
    Source source = source_of(peer);
    Turn away;
    int r;

    if (turns_waiting(parent->turns) >= parent->waiting_max)
        serve_next(parent);
    r = turns_enter(parent->turns, &source, fd, &away);
    if (r < 0) {
        pause_for(parent, -r, "accept a connection");
        (void)safe_close(fd);
    } else if (r > 0) {
        turn_away(parent, &away);
    }
}

/* Accepts one connection. Returns whether to go on with this socket. */
static bool accept_one(Parent *parent, int listening)
{
    SocketAddress peer = { .storage = { .ss_family = AF_UNSPEC } };
    socklen_t size = sizeof(peer);
    int fd = accept4(listening, &peer.sa, &size, SOCK_CLOEXEC);

    if (fd >= 0) {
        admit(parent, move_up(parent, fd), &peer);
        parent->idle_since = now_monotonic();
        return true;
    }
    switch (errno) {
    case EAGAIN: /* another process that shares the socket accepted it */
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        pause_for(parent, errno, "accept a connection");
        return false;
    default: /* the waiting connection failed (accept(2)); the next one may be good */
        return true;
    }
}

static void accept_some(Parent *parent, int listening)
{
    for (unsigned i = 0; i < ACCEPT_BATCH; i++)
        if (!accept_one(parent, listening))
            return;
}

static void stop(Parent *parent)
{
    if (parent->stopping)
        return;
    parent->stopping = true;
    (void)sd_notify(false, "STOPPING=1");
    /* From here on only the service manager holds the sockets. New connections wait there for the
     * next start; where no other process holds a socket, the kernel refuses them at once. */
    for (size_t i = 0; i < n_listening(parent); i++)
        parent->polls[1 + i].fd = parent->server->activation->fds[i] =
            safe_close(parent->server->activation->fds[i]);
    for (size_t i = 0; i < parent->n_children; i++)
        (void)kill(parent->children[i].pid, SIGTERM);
}

static void handle_signals(Parent *parent)
{
    struct signalfd_siginfo info;

    while (read(parent->polls[0].fd, &info, sizeof(info)) == sizeof(info))
        if (info.ssi_signo != SIGCHLD)
            stop(parent);
    reap_children(parent);
}

static bool is_idle_for_long(const Parent *parent)
{
    usec_t timeout = parent->server->idle_timeout;

    return parent->n_children == 0 && timeout != USEC_INFINITY &&
           now_monotonic() >= parent->idle_since + timeout;
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

/* The time at which the loop must act even without an event. */
static usec_t next_deadline(const Parent *parent)
{
    usec_t timeout = parent->server->idle_timeout;
    usec_t next = farewells_deadline(&parent->farewells);

    if (turns_waiting(parent->turns) > 0)
        next = earlier(next, parent->expire_next);
    if (parent->n_children > 0)
        return earlier(next, parent->kill_next);
    return timeout == USEC_INFINITY ? next : earlier(next, parent->idle_since + timeout);
}

static bool is_done(const Parent *parent)
{
    return parent->stopping && parent->n_children == 0 && turns_waiting(parent->turns) == 0 &&
           parent->farewells.n == 0;
}

static int loop(Parent *parent)
{
    while (!is_done(parent)) {
        size_t n_fixed = 1 + n_listening(parent);
        size_t n_farewells = farewells_poll(&parent->farewells, &parent->polls[n_fixed]);
        int r = poll(parent->polls, n_fixed + n_farewells, deadline_to_poll(next_deadline(parent)));

        if (r < 0 && errno != EINTR)
            return -errno;
        if (r < 0)
            continue;
        farewells_tend(&parent->farewells, &parent->polls[n_fixed], n_farewells);
        kill_overdue(parent);
        turn_away_expired(parent);
        if (r == 0 && !parent->stopping && is_idle_for_long(parent))
            stop(parent);
        if (parent->polls[0].revents)
            handle_signals(parent);
        /* A free place may be the turn of a connection that has just arrived. */
        for (size_t i = 1; !parent->stopping && i < n_fixed; i++)
            if (parent->polls[i].revents)
                accept_some(parent, parent->polls[i].fd);
        serve_next(parent);
    }
    return 0;
}

static int set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

static int watch_listening(Parent *parent)
{
    const Activation *activation = parent->server->activation;

    for (size_t i = 0; i < activation->n_fds; i++) {
        int r = set_nonblocking(activation->fds[i]);

        if (r < 0)
            return r;
        parent->polls[1 + i] = (struct pollfd){ .fd = activation->fds[i], .events = POLLIN };
    }
    return 0;
}

/* How many connections may wait. */
static size_t get_waiting_max(const ForkServer *server)
{
    size_t others = DESCRIPTORS_OTHER + server->activation->n_fds;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= WAITING_MAX + others)
        return WAITING_MAX;
    return limit.rlim_cur > others ? (size_t)limit.rlim_cur - others : 1;
}

static int run_listening(const ForkServer *server, const sigset_t *signals)
{
    _cleanup_free_ struct pollfd *polls =
        calloc(1 + server->activation->n_fds + FAREWELLS_MAX, sizeof(*polls));
    _cleanup_(turns_freep) Turns *turns = NULL;
    _cleanup_free_ Child *children = calloc(server->children_max, sizeof(*children));
    _cleanup_close_ int signal_fd = -EBADF;
    Parent parent = {
        .server = server,
        .children = children,
        .kill_next = USEC_INFINITY,
        .polls = polls,
        .idle_since = now_monotonic(),
        .waiting_max = get_waiting_max(server),
    };
    int r;

    if (!polls || !children)
        return -ENOMEM;
    r = turns_new(server->source_max ? server->source_max : server->children_max,
                  parent.waiting_max, &turns);
    if (r < 0)
        return r;
    parent.turns = turns;
    signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signal_fd < 0)
        return -errno;
    parent.first_fd = signal_fd + (int)(DESCRIPTORS_LOW + server->activation->n_fds);
    polls[0] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
    r = watch_listening(&parent);
    if (r < 0)
        return r;
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
