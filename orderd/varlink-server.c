/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "varlink-server.h"

#include <fcntl.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "event/timer.h"
#include "log/log-throttle.h"
#include "log/log.h"

#define READ_SIZE    65536U
#define ACCEPT_PAUSE USEC_PER_SEC
/* How often to look for connections that were quiet for too long. */
#define SWEEP_INTERVAL USEC_PER_SEC

/* One entry tells of all peers that are refused or turned away within this time. */
#define REFUSAL_INTERVAL (10 * USEC_PER_SEC)

typedef struct Connection Connection;

/* A connection has one open call at most. */
struct VarlinkCall {
    Connection *connection;
    bool oneway;
    void (*gone)(void *userdata);
    void *userdata;
};

struct Connection {
    VarlinkServer *server;
    LIST_ENTRY(Connection) list;
    sd_event_source *io;
    int fd;
    VarlinkPeer peer;
    usec_t quiet_since; /* while there is no open call */
    char *in;
    size_t in_size, n_in; /* allocated, filled */
    size_t n_searched;    /* bytes of @in without the end of a frame */
    char *out;
    size_t n_out, n_sent;
    VarlinkCall *call;
};

struct VarlinkServer {
    sd_event *event;
    sd_event_source *listener;
    sd_event_source *pause; /* ends a time without accepting */
    sd_event_source *sweep; /* ends quiet connections */
    int fd;                 /* negative: closed */
    gid_t group;            /* its members may call */
    LogThrottle refusals;
    const VarlinkInterface *interface;
    size_t frame_max; /* the last result of interface->get_frame_max() */
    void *userdata;
    LIST_HEAD(, Connection) connections;
    size_t n_connections;
    size_t n_buffered; /* allocated for the input and output of all connections, bytes */
    void (*idle)(void *userdata);
    void *idle_userdata;
};

/* Whether to log an entry about a peer now. */
static bool server_may_log(VarlinkServer *server)
{
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
            server->n_connections < VARLINK_CONNECTIONS_MAX ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* The last connection of a closed server calls .idle. */
static Connection *connection_free(Connection *c)
{
    VarlinkServer *server = c->server;

    if (c->call) {
        VarlinkCall *call = TAKE_PTR(c->call);

        if (call->gone)
            call->gone(call->userdata);
        free(call);
    }
    LIST_REMOVE(c, list);
    server->n_connections--;
    server->n_buffered -= c->in_size + c->n_out;
    sd_event_source_disable_unref(c->io);
    safe_close(c->fd);
    varlink_peer_done(&c->peer);
    free(c->in);
    free(c->out);
    free(c);
    server_listen_if_room(server);
    if (server->fd < 0 && LIST_EMPTY(&server->connections) && server->idle)
        server->idle(server->idle_userdata);
    return NULL;
}

/* Input behind an open call or an unsent answer waits here, then in the kernel. */
static bool connection_has_room(const Connection *c)
{
    return c->n_in <= c->server->frame_max;
}

static int connection_update(Connection *c)
{
    uint32_t events = 0;

    if (connection_has_room(c))
        events |= EPOLLIN;
    if (c->n_out > c->n_sent)
        events |= EPOLLOUT;
    return sd_event_source_set_io_events(c->io, events);
}

static int connection_flush(Connection *c)
{
    while (c->n_sent < c->n_out) {
        ssize_t n = send(c->fd, c->out + c->n_sent, c->n_out - c->n_sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0)
            return -errno;
        c->n_sent += (size_t)n;
    }
    c->server->n_buffered -= c->n_out;
    free(c->out);
    c->out = NULL;
    c->n_out = c->n_sent = 0;
    return 0;
}

/* Appends a frame to the output. */
static int connection_queue(Connection *c, const json_t *message)
{
    _cleanup_free_ char *text = json_dumps(message, JSON_COMPACT);
    size_t size;
    char *p;

    if (!text)
        return -ENOMEM;
    size = strlen(text) + 1;
    if (c->server->n_buffered + size > VARLINK_BUFFERED_MAX)
        return -ENOBUFS;
    p = realloc(c->out, c->n_out + size);
    if (!p)
        return -ENOMEM;
    memcpy(p + c->n_out, text, size);
    c->out = p;
    c->n_out += size;
    c->server->n_buffered += size;
    return 0;
}

/* Sends the answer at once, as far as the socket has room: a method may discard the source of an
 * answer afterwards. The event loop sends the rest and takes the next call. Never frees the
 * connection, whose reader may be on the stack. */
static void call_end(VarlinkCall *call, json_t *message)
{
    Connection *c = call->connection;
    int r = 0;

    c->call = NULL;
    c->quiet_since = now_monotonic();
    if (!call->oneway)
        r = message ? connection_queue(c, message) : -ENOMEM;
    free(call);
    if (r >= 0)
        r = connection_flush(c);
    if (r >= 0)
        r = sd_event_source_set_io_events(c->io, EPOLLIN | EPOLLOUT);
    if (r < 0) {
        if (server_may_log(c->server))
            log_warning_errno(r, "Failed to answer a peer on the socket: %m");
        (void)shutdown(c->fd, SHUT_RDWR);
    }
}

void varlink_reply(VarlinkCall *call, json_t *parameters)
{
    json_auto_t *message = parameters ? json_pack("{so}", "parameters", parameters) : NULL;

    call_end(call, message);
}

void varlink_error(VarlinkCall *call, const char *error, json_t *parameters)
{
    json_auto_t *message =
        parameters ? json_pack("{ssso}", "error", error, "parameters", parameters) : NULL;

    call_end(call, message);
}

const VarlinkPeer *varlink_call_peer(const VarlinkCall *call)
{
    return &call->connection->peer;
}

void varlink_call_set_gone(VarlinkCall *call, void (*gone)(void *userdata), void *userdata)
{
    call->gone = gone;
    call->userdata = userdata;
}

/* org.varlink.service */

static const char service_description[] =
    "interface org.varlink.service\n"
    "method GetInfo() -> (vendor: string, product: string, version: string, url: string, "
    "interfaces: []string)\n"
    "method GetInterfaceDescription(interface: string) -> (description: string)\n"
    "error InterfaceNotFound (interface: string)\n"
    "error MethodNotFound (method: string)\n"
    "error MethodNotImplemented (method: string)\n"
    "error InvalidParameter (parameter: string)\n"
    "error PermissionDenied ()\n";

static void get_info(VarlinkCall *call, const json_t *parameters, void *userdata)
{
    VarlinkServer *server = userdata;

    (void)parameters;
    varlink_reply(call, json_pack("{sssssssss[ss]}", "vendor", "acmems", "product", "acmems-orderd",
                                  "version", ACMEMS_VERSION, "url", "", "interfaces",
                                  "org.varlink.service", server->interface->name));
}

static void get_description(VarlinkCall *call, const json_t *parameters, void *userdata)
{
    VarlinkServer *server = userdata;
    const char *name = json_string_value(json_object_get(parameters, "interface"));
    const char *description = NULL;

    if (!name) {
        varlink_error(call, "org.varlink.service.InvalidParameter",
                      json_pack("{ss}", "parameter", "interface"));
        return;
    }
    if (streq(name, "org.varlink.service"))
        description = service_description;
    else if (streq(name, server->interface->name))
        description = server->interface->description;
    if (description)
        varlink_reply(call, json_pack("{ss}", "description", description));
    else
        varlink_error(call, "org.varlink.service.InterfaceNotFound",
                      json_pack("{ss}", "interface", name));
}

static const VarlinkMethod service_methods[] = {
    { "org.varlink.service.GetInfo", get_info },
    { "org.varlink.service.GetInterfaceDescription", get_description },
};

static const VarlinkMethod *find_method(const VarlinkMethod *methods, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (streq(methods[i].name, name))
            return &methods[i];
    return NULL;
}

/* Runs the call in one frame. -EBADMSG: the peer does not speak Varlink; other -errno. */
static int connection_call(Connection *c, const char *frame, size_t size)
{
    json_auto_t *message = json_loadb(frame, size, 0, NULL);
    const char *name = json_string_value(json_object_get(message, "method"));
    const json_t *parameters = json_object_get(message, "parameters");
    const VarlinkInterface *interface = c->server->interface;
    const VarlinkMethod *method;
    VarlinkCall *call;

    if (!name || (parameters && !json_is_object(parameters)))
        return -EBADMSG;
    call = calloc(1, sizeof(*call));
    if (!call)
        return -ENOMEM;
    call->connection = c;
    call->oneway = json_is_true(json_object_get(message, "oneway"));
    c->call = call;

    method = find_method(service_methods, ELEMENTSOF(service_methods), name);
    if (method) {
        method->call(call, parameters, c->server);
        return 0;
    }
    method = find_method(interface->methods, interface->n_methods, name);
    if (method)
        method->call(call, parameters, c->server->userdata);
    else
        varlink_error(call, "org.varlink.service.MethodNotFound",
                      json_pack("{ss}", "method", name));
    return 0;
}

/* Whether the last call is answered and its answer is sent. */
static bool connection_is_free(const Connection *c)
{
    return !c->call && c->n_out == 0;
}

/* Changes the allocated size of the input. 0 or -ENOMEM. */
static int connection_resize(Connection *c, size_t size)
{
    char *p = NULL;

    if (size > 0 && !(p = realloc(c->in, size)))
        return -ENOMEM;
    if (size == 0)
        free(c->in);
    c->in = p;
    c->server->n_buffered = c->server->n_buffered - c->in_size + size;
    c->in_size = size;
    return 0;
}

/* Takes the first @size bytes and the NUL byte after them out of the input. */
static int connection_take(Connection *c, size_t size, char **ret)
{
    char *frame = strndup(c->in, size);

    if (!frame)
        return -ENOMEM;
    c->n_in -= size + 1;
    c->n_searched = 0;
    memmove(c->in, c->in + size + 1, c->n_in);
    (void)connection_resize(c, c->n_in);
    *ret = frame;
    return 0;
}

/* Whether a call of this size is too large. The limit may have changed. */
static bool server_refuses_size(VarlinkServer *server, size_t size)
{
    if (size > server->frame_max)
        server->frame_max = server->interface->get_frame_max(server->userdata);
    return size > server->frame_max;
}

/* Runs the next call if its frame is complete and the connection is free: 1, else 0. -errno. */
static int connection_process(Connection *c)
{
    _cleanup_free_ char *frame = NULL;
    const char *end;
    size_t size;
    int r;

    if (!connection_is_free(c))
        return 0;
    if (c->server->fd < 0)
        return -ECONNRESET;
    end = c->n_in > c->n_searched ? memchr(c->in + c->n_searched, '\0', c->n_in - c->n_searched)
                                  : NULL;
    size = end ? (size_t)(end - c->in) : c->n_in;
    if (server_refuses_size(c->server, size))
        return -EMSGSIZE;
    c->n_searched = size;
    if (!end)
        return 0;
    r = connection_take(c, size, &frame);
    if (r >= 0)
        r = connection_call(c, frame, size);
    return r < 0 ? r : 1;
}

static Connection *server_largest(VarlinkServer *server)
{
    Connection *c, *largest = NULL;

    LIST_FOREACH (c, &server->connections, list)
        if (!largest || c->in_size + c->n_out > largest->in_size + largest->n_out)
            largest = c;
    return largest;
}

/* Too many bytes are buffered: the largest connection ends. -ENOBUFS: it is @c, which the caller
 * frees. */
static int server_make_room(VarlinkServer *server, const Connection *c)
{
    while (server->n_buffered > VARLINK_BUFFERED_MAX) {
        Connection *largest = server_largest(server);

        log_limit(server, &largest->peer,
                  "its calls and answers need the most of the memory that all of them may use");
        if (largest == c)
            return -ENOBUFS;
        connection_free(largest);
    }
    return 0;
}

/* Makes room for @n more bytes. A small call takes no more than its size; that of a large one
 * doubles, so that it is not copied again and again. */
static int connection_reserve(Connection *c, size_t n)
{
    size_t size = c->n_in + n, max = c->server->frame_max + 1;

    if (size <= c->in_size)
        return 0;
    if (size > READ_SIZE)
        size = 2 * size < max ? 2 * size : max;
    return connection_resize(c, size);
}

/* 0: more may follow; -ECONNRESET at the end; other -errno. */
static int connection_read(Connection *c)
{
    static char piece[READ_SIZE];
    size_t room = c->server->frame_max + 1 - c->n_in;
    ssize_t n = recv(c->fd, piece, room < READ_SIZE ? room : READ_SIZE, 0);
    int r;

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (n == 0)
        return -ECONNRESET;
    r = connection_reserve(c, (size_t)n);
    if (r < 0)
        return r;
    memcpy(c->in + c->n_in, piece, (size_t)n);
    c->n_in += (size_t)n;
    return server_make_room(c->server, c);
}

static int connection_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Connection *c = userdata;
    int r = 0;

    (void)source;
    (void)fd;
    if (revents & EPOLLIN && connection_has_room(c))
        r = connection_read(c);
    else if (revents & (EPOLLHUP | EPOLLERR))
        r = -ECONNRESET;
    do {
        if (r >= 0)
            r = connection_flush(c);
        if (r >= 0)
            r = connection_process(c);
    } while (r > 0);
    if (r >= 0)
        r = connection_update(c);
    if (r < 0) {
        if (r != -ECONNRESET && r != -EPIPE && r != -ENOBUFS && server_may_log(c->server))
            log_warning_errno(
                r, "Failed to communicate with a client on the socket, closing its connection: %m");
        connection_free(c);
    }
    return 0;
}

static int connection_new(VarlinkServer *server, int fd, VarlinkPeer *peer)
{
    Connection *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return -ENOMEM;
    r = sd_event_add_io(server->event, &c->io, fd, EPOLLIN, connection_on_io, c);
    if (r < 0) {
        free(c);
        return r;
    }
    c->server = server;
    c->fd = fd;
    c->peer = *peer;
    c->quiet_since = now_monotonic();
    *peer = (VarlinkPeer){ 0 };
    LIST_INSERT_HEAD(&server->connections, c, list);
    server->n_connections++;
    server_listen_if_room(server);
    if (!timer_is_armed(server->sweep))
        (void)timer_arm(server->sweep, SWEEP_INTERVAL);
    return 0;
}

static int server_on_sweep(sd_event_source *source, uint64_t usec, void *userdata)
{
    VarlinkServer *server = userdata;
    usec_t now = now_monotonic();
    Connection *c, *next;

    (void)usec;
    for (c = LIST_FIRST(&server->connections); c; c = next) {
        next = LIST_NEXT(c, list);
        if (!c->call && now >= c->quiet_since + VARLINK_QUIET_MAX)
            connection_free(c);
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
static void server_pause(VarlinkServer *server)
{
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

static bool server_has_room_for(const VarlinkServer *server, uid_t uid)
{
    const Connection *c;
    size_t n = 0;

    LIST_FOREACH (c, &server->connections, list)
        n += c->peer.uid == uid;
    return n < VARLINK_CONNECTIONS_PER_USER;
}

/* Takes the socket over. 0 or -errno. */
static int accept_peer(VarlinkServer *server, int fd)
{
    _cleanup_varlink_peer_ VarlinkPeer peer = { 0 };
    _cleanup_close_ int connected = fd;
    int r = varlink_peer_read(connected, &peer);

    if (r < 0)
        return r;
    if (!varlink_peer_is_permitted(&peer, geteuid(), server->group)) {
        log_refusal(server, &peer);
        send_refusal(connected,
                     "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}");
        return 0;
    }
    if (!server_has_room_for(server, peer.uid)) {
        log_limit(server, &peer, "the user has as many as it may have");
        send_refusal(connected, server->interface->busy);
        return 0;
    }
    server->frame_max = server->interface->get_frame_max(server->userdata);
    r = connection_new(server, connected, &peer);
    if (r >= 0)
        TAKE_FD(connected);
    return r;
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
        (void)log_event_errno(LOG_EVENT_SHORTAGE, errno,
                              "Failed to accept a connection to the socket: %m");
        server_pause(server);
        return 0;
    }
    r = accept_peer(server, connected);
    if (r < 0)
        (void)log_event_errno(LOG_EVENT_SHORTAGE, r,
                              "Failed to accept a connection to the socket: %m");
    return 0;
}

int varlink_server_new(sd_event *event, int fd, const VarlinkInterface *interface, void *userdata,
                       VarlinkServer **ret)
{
    _cleanup_(varlink_server_freep) VarlinkServer *server = calloc(1, sizeof(*server));
    int r;

    if (!server)
        return -ENOMEM;
    server->fd = -EBADF;
    server->refusals.interval = REFUSAL_INTERVAL;
    server->event = sd_event_ref(event);
    server->interface = interface;
    server->group = varlink_socket_group(fd);
    server->userdata = userdata;
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
    Connection *c, *next;

    server->idle = idle;
    server->idle_userdata = userdata;
    server->listener = sd_event_source_disable_unref(server->listener);
    server->fd = safe_close(server->fd);
    for (c = LIST_FIRST(&server->connections); c; c = next) {
        next = LIST_NEXT(c, list);
        if (connection_is_free(c))
            connection_free(c);
    }
}

VarlinkServer *varlink_server_free(VarlinkServer *server)
{
    if (!server)
        return NULL;
    varlink_server_close(server, NULL, NULL);
    while (!LIST_EMPTY(&server->connections))
        connection_free(LIST_FIRST(&server->connections));
    sd_event_source_disable_unref(server->pause);
    sd_event_source_disable_unref(server->sweep);
    sd_event_unref(server->event);
    free(server);
    return NULL;
}
