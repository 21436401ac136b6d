/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/fork-server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

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
} Child;

typedef struct Parent {
    const ForkServer *server;
    Child *children;
    size_t n_children;
    usec_t kill_next;     /* not later than the earliest deadline of a child */
    struct pollfd *polls; /* the signalfd, then each listening socket */
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

/* The signals that the parent blocks stay blocked: SIGTERM because serve() expects it, SIGINT
 * because Ctrl-C reaches the whole process group and the parent forwards it as SIGTERM. */
static _Noreturn void run_child(Parent *parent, int fd)
{
    int r;

    for (size_t i = 0; i <= n_listening(parent); i++)
        (void)safe_close(parent->polls[i].fd);
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

/* Takes ownership of @fd. Retries fork() without end, because an accepted connection must be
 * served. */
static void fork_for(Parent *parent, int fd)
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
        run_child(parent, fd);
    (void)safe_close(fd);
    child = &parent->children[parent->n_children++];
    *child = (Child){ .pid = pid, .deadline = deadline_of(parent->server) };
    if (child->deadline < parent->kill_next)
        parent->kill_next = child->deadline;
}

/* Accepts one connection. Returns whether to go on with this socket. */
static bool accept_one(Parent *parent, int listening)
{
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0) {
        fork_for(parent, fd);
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
    for (unsigned i = 0; i < ACCEPT_BATCH && !is_full(parent); i++)
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
        parent->server->activation->fds[i] = safe_close(parent->server->activation->fds[i]);
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

/* The time at which the loop must act even without an event. */
static usec_t next_deadline(const Parent *parent)
{
    usec_t timeout = parent->server->idle_timeout;

    if (parent->n_children > 0)
        return parent->kill_next;
    return timeout == USEC_INFINITY ? USEC_INFINITY : parent->idle_since + timeout;
}

static int loop(Parent *parent)
{
    while (!parent->stopping || parent->n_children > 0) {
        bool accepting = !parent->stopping && !is_full(parent);
        int r = poll(parent->polls, accepting ? 1 + n_listening(parent) : 1,
                     deadline_to_poll(next_deadline(parent)));

        if (r < 0 && errno != EINTR)
            return -errno;
        kill_overdue(parent);
        if (r == 0 && is_idle_for_long(parent))
            stop(parent);
        if (r <= 0)
            continue;
        if (parent->polls[0].revents)
            handle_signals(parent);
        for (size_t i = 1; accepting && !parent->stopping && i <= n_listening(parent); i++)
            if (parent->polls[i].revents)
                accept_some(parent, parent->polls[i].fd);
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

static int run_listening(const ForkServer *server, const sigset_t *signals)
{
    _cleanup_free_ struct pollfd *polls = calloc(1 + server->activation->n_fds, sizeof(*polls));
    _cleanup_free_ Child *children = calloc(server->children_max, sizeof(*children));
    _cleanup_close_ int signal_fd = -EBADF;
    Parent parent = {
        .server = server,
        .children = children,
        .kill_next = USEC_INFINITY,
        .polls = polls,
        .idle_since = now_monotonic(),
    };
    int r;

    if (!polls || !children)
        return -ENOMEM;
    signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signal_fd < 0)
        return -errno;
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
