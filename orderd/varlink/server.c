/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "varlink/server.h"

#include <fcntl.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "event/timer.h"
#include "log/log-throttle.h"
#include "log/log.h"
#include "log/shortage.h"
#include "varlink/connection.h"
#include "varlink/introspection.h"
#include "varlink/limits.h"

#define ACCEPT_PAUSE USEC_PER_SEC
/* How often to look for connections that were quiet for too long. */
#define SWEEP_INTERVAL USEC_PER_SEC

/* One entry tells of all peers that are refused or turned away within this time. */
#define REFUSAL_INTERVAL (10 * USEC_PER_SEC)

struct VarlinkServer {
    VarlinkShared shared;
    sd_event_source *listener;
    sd_event_source *pause; /* ends a time without accepting */
    sd_event_source *sweep; /* ends quiet connections */
    int fd;                 /* negative: closed */
    gid_t group;            /* its members may call */
    LogThrottle refusals;
    Shortage shortage;
    LIST_HEAD(, VarlinkConnection) connections;
    size_t n_connections, connections_max;
    void (*idle)(void *userdata);
    void *idle_userdata;
};

static bool server_may_log(void *owner)
{
    VarlinkServer *server = owner;
    uint64_t held;

    return log_throttle_pass(&server->refusals, &held);
}

static void log_refusal(VarlinkServer *server, const VarlinkPeer *peer)
{
    _cleanup_log_fields_ LogFields fields = { 0 };

    if (!server_may_log(server))
        return;
    varlink_peer_log(peer, &fields);
    log_event(LOG_EVENT_PEER_REFUSED, &fields,
              "User %u (process %d) may not use the socket: the peer must be root, user %u or a "
              "member of group %u",
              peer->uid, peer->pid, geteuid(), server->group);
}

/* @why: "its calls …" */
static void log_limit(VarlinkServer *server, const VarlinkPeer *peer, const char *why)
{
    _cleanup_log_fields_ LogFields fields = { 0 };

    if (!server_may_log(server))
        return;
    varlink_peer_log(peer, &fields);
    log_event(LOG_EVENT_TURNED_AWAY, &fields,
              "A connection of user %u (process %d) to the socket was closed: %s", peer->uid,
              peer->pid, why);
}

static void server_listen_if_room(VarlinkServer *server)
{
    if (server->listener)
        (void)sd_event_source_set_enabled(
            server->listener,
            server->n_connections < server->connections_max ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* The last connection of a closed server calls .idle. */
static void server_on_ended(VarlinkConnection *c, void *owner)
{
    VarlinkServer *server = owner;

    LIST_REMOVE(c, list);
    server->n_connections--;
    server_listen_if_room(server);
    if (server->shared.is_closing && LIST_EMPTY(&server->connections) && server->idle)
        server->idle(server->idle_userdata);
}

static void server_on_call(VarlinkCall *call, const char *method, const json_t *parameters,
                           void *owner)
{
    const VarlinkServer *server = owner;
    const VarlinkInterface *interface = server->shared.interface;

    if (introspection_call(interface, method, call, parameters))
        return;
    for (size_t i = 0; i < interface->n_methods; i++)
        if (streq(interface->methods[i].name, method)) {
            interface->methods[i].call(call, parameters, server->shared.userdata);
            return;
        }
    varlink_error(call, "org.varlink.service.MethodNotFound", json_pack("{ss}", "method", method));
}

static VarlinkConnection *server_largest(const VarlinkServer *server)
{
    VarlinkConnection *c, *largest = LIST_FIRST(&server->connections);

    LIST_FOREACH (c, &server->connections, list)
        if (c->in.size > largest->in.size)
            largest = c;
    return largest;
}

static void server_on_full(void *owner)
{
    VarlinkServer *server = owner;

    while (server->shared.n_incoming > VARLINK_INCOMING_MAX) {
        VarlinkConnection *largest = server_largest(server);

        log_limit(server, &largest->peer,
                  "its calls need the most of the memory that all of them may use");
        varlink_connection_abort(largest);
    }
}

static int server_on_sweep(sd_event_source *source, uint64_t usec, void *userdata)
{
    VarlinkServer *server = userdata;
    usec_t now = now_monotonic();
    VarlinkConnection *c, *next;

    (void)usec;
    for (c = LIST_FIRST(&server->connections); c; c = next) {
        next = LIST_NEXT(c, list);
        if (!c->call && now >= c->quiet_since + VARLINK_QUIET_MAX)
            varlink_connection_free(c);
    }
    return LIST_EMPTY(&server->connections) ? 0 : timer_arm(source, SWEEP_INTERVAL);
}

static int server_on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    server_listen_if_room(userdata);
    return 0;
}

/* Without descriptors or memory the connection stays in the backlog. A pause keeps the event loop
 * from spinning on it. */
static void server_pause(VarlinkServer *server, int error)
{
    shortage_begin(&server->shortage, error, now_monotonic());
    if (timer_arm(server->pause, ACCEPT_PAUSE) >= 0)
        (void)sd_event_source_set_enabled(server->listener, SD_EVENT_OFF);
}

/* The answer to a refused peer, sent without waiting for its call: such a peer takes no memory and
 * no place among the connections. The frame fits into the empty buffer of a new socket. The peer
 * finds it there after the connection is closed, and after its own write fails. */
static void send_refusal(int fd, const char *frame)
{
    (void)send(fd, frame, strlen(frame) + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Why the peer may have no further connection; NULL: it may. */
static const char *server_find_limit(const VarlinkServer *server, const VarlinkPeer *peer)
{
    const VarlinkConnection *c;
    size_t of_user = 0, of_process = 0;

    LIST_FOREACH (c, &server->connections, list) {
        of_user += c->peer.uid == peer->uid;
        of_process += c->peer.pid == peer->pid;
    }
    if (of_user >= server->connections_max / VARLINK_CONNECTIONS_USER_PART)
        return "the user has as many as it may have";
    /* A process of another PID namespace has no number here. */
    if (peer->pid > 0 && of_process >= VARLINK_CONNECTIONS_PER_PROCESS)
        return "the process has as many as it may have";
    return NULL;
}

/* Takes the socket over. 0 or -errno. */
static int accept_peer(VarlinkServer *server, int fd)
{
    _cleanup_varlink_peer_ VarlinkPeer peer = { 0 };
    _cleanup_close_ int connected = fd;
    VarlinkConnection *c;
    const char *limit;
    int r = varlink_peer_read(connected, &peer);

    if (r < 0)
        return r;
    if (!varlink_peer_is_permitted(&peer, geteuid(), server->group)) {
        log_refusal(server, &peer);
        send_refusal(connected,
                     "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}");
        return 0;
    }
    limit = server_find_limit(server, &peer);
    if (limit) {
        log_limit(server, &peer, limit);
        send_refusal(connected, server->shared.interface->busy);
        return 0;
    }
    server->shared.frame_max = server->shared.interface->get_frame_max(server->shared.userdata);
    r = varlink_connection_new(&server->shared, connected, &peer, &c);
    if (r < 0)
        return r;
    TAKE_FD(connected);
    LIST_INSERT_HEAD(&server->connections, c, list);
    server->n_connections++;
    server_listen_if_room(server);
    if (!timer_is_armed(server->sweep))
        (void)timer_arm(server->sweep, SWEEP_INTERVAL);
    return 0;
}

static int server_on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    VarlinkServer *server = userdata;
    int connected, r;

    (void)source;
    (void)revents;
    connected = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connected < 0) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            return 0;
        server_pause(server, errno);
        return 0;
    }
    r = accept_peer(server, connected);
    if (r < 0)
        shortage_begin(&server->shortage, -r, now_monotonic());
    return 0;
}

static size_t get_connections_max(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 2 >= VARLINK_CONNECTIONS_MAX)
        return VARLINK_CONNECTIONS_MAX;
    return (size_t)limit.rlim_cur / 2;
}

int varlink_server_new(sd_event *event, int fd, const VarlinkInterface *interface, void *userdata,
                       VarlinkServer **ret)
{
    _cleanup_(varlink_server_freep) VarlinkServer *server = calloc(1, sizeof(*server));
    int r;

    if (!server)
        return -ENOMEM;
    server->fd = -EBADF;
    server->shared = (VarlinkShared){ .event = sd_event_ref(event),
                                      .interface = interface,
                                      .userdata = userdata,
                                      .owner = server,
                                      .run = server_on_call,
                                      .full = server_on_full,
                                      .may_log = server_may_log,
                                      .ended = server_on_ended };
    server->refusals.interval = REFUSAL_INTERVAL;
    server->shortage.what = "accept a connection to the socket";
    server->connections_max = get_connections_max();
    server->group = varlink_socket_group(fd);
    r = fcntl(fd, F_GETFL);
    if (r < 0 || fcntl(fd, F_SETFL, r | O_NONBLOCK) < 0)
        return -errno;
    r = sd_event_add_io(event, &server->listener, fd, EPOLLIN, server_on_connection, server);
    if (r < 0)
        return r;
    r = timer_new(event, server_on_pause_over, server, &server->pause);
    if (r >= 0)
        r = timer_new(event, server_on_sweep, server, &server->sweep);
    /* After a pause of the whole process, calls that have arrived meanwhile come first. */
    if (r >= 0)
        r = sd_event_source_set_priority(server->sweep, SD_EVENT_PRIORITY_IDLE);
    if (r < 0)
        return r;
    server->fd = fd;
    *ret = TAKE_PTR(server);
    return 0;
}

bool varlink_server_is_idle(const VarlinkServer *server)
{
    return LIST_EMPTY(&server->connections);
}

void varlink_server_close(VarlinkServer *server, void (*idle)(void *userdata), void *userdata)
{
    VarlinkConnection *c, *next;

    server->shared.is_closing = true;
    server->idle = idle;
    server->idle_userdata = userdata;
    server->listener = sd_event_source_disable_unref(server->listener);
    server->fd = safe_close(server->fd);
    for (c = LIST_FIRST(&server->connections); c; c = next) {
        next = LIST_NEXT(c, list);
        if (varlink_connection_is_free(c))
            varlink_connection_free(c);
    }
}

VarlinkServer *varlink_server_free(VarlinkServer *server)
{
    if (!server)
        return NULL;
    varlink_server_close(server, NULL, NULL);
    while (!LIST_EMPTY(&server->connections))
        varlink_connection_free(LIST_FIRST(&server->connections));
    sd_event_source_disable_unref(server->pause);
    sd_event_source_disable_unref(server->sweep);
    sd_event_unref(server->shared.event);
    free(server);
    return NULL;
}
