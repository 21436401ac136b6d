/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "varlink-server.h"

#include <fcntl.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "log.h"

#define READ_SIZE 65536U

typedef struct Connection Connection;

/* The one call that a connection may have open. */
struct VarlinkCall {
    Connection *connection; /* NULL: gone */
    bool oneway;
    void (*gone)(void *userdata);
    void *userdata;
};

struct Connection {
    VarlinkServer *server;
    LIST_ENTRY(Connection) list;
    sd_event_source *io;
    int fd;
    char *in;
    size_t n_in;
    char *out;
    size_t n_out, n_sent;
    VarlinkCall *call;
};

struct VarlinkServer {
    sd_event *event;
    sd_event_source *listener;
    int fd;
    const VarlinkInterface *interface;
    size_t frame_max;
    void *userdata;
    LIST_HEAD(, Connection) connections;
    size_t n_connections;
};

static void listen_while_there_is_room(VarlinkServer *server)
{
    if (server->listener)
        (void)sd_event_source_set_enabled(
            server->listener,
            server->n_connections < VARLINK_CONNECTIONS_MAX ? SD_EVENT_ON : SD_EVENT_OFF);
}

static Connection *connection_free(Connection *c)
{
    if (c->call) {
        VarlinkCall *call = TAKE_PTR(c->call);

        if (call->gone)
            call->gone(call->userdata);
        free(call);
    }
    LIST_REMOVE(c, list);
    c->server->n_connections--;
    listen_while_there_is_room(c->server);
    sd_event_source_disable_unref(c->io);
    safe_close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
    return NULL;
}

/* Reads only while there is room for what comes and no answer is under way. */
static int connection_update(Connection *c)
{
    uint32_t events = 0;

    if (c->n_in <= c->server->frame_max)
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
    free(c->out);
    c->out = NULL;
    c->n_out = c->n_sent = 0;
    return 0;
}

/* Appends a frame; the event loop sends it. */
static int connection_queue(Connection *c, const json_t *message)
{
    _cleanup_free_ char *text = json_dumps(message, JSON_COMPACT);
    size_t size;
    char *p;

    if (!text)
        return -ENOMEM;
    size = strlen(text) + 1;
    p = realloc(c->out, c->n_out + size);
    if (!p)
        return -ENOMEM;
    memcpy(p + c->n_out, text, size);
    c->out = p;
    c->n_out += size;
    return 0;
}

/* Wakes the connection: the answer is sent and the next call taken up from the loop. The connection
 * itself is never freed here, its reader may be on the stack. */
static void call_end(VarlinkCall *call, json_t *message)
{
    Connection *c = call->connection;
    int r = 0;

    c->call = NULL;
    if (!call->oneway)
        r = message ? connection_queue(c, message) : -ENOMEM;
    free(call);
    if (r >= 0)
        r = sd_event_source_set_io_events(c->io, EPOLLIN | EPOLLOUT);
    if (r < 0) {
        log_warning_errno(r, "A caller on the socket cannot be answered: %m");
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
    "error InvalidParameter (parameter: string)\n";

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

/* Takes one frame. Negative: the peer does not speak Varlink. */
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

/* Takes up the next frame where one is whole and no call is open: 1, else 0. */
static int connection_process(Connection *c)
{
    _cleanup_free_ char *frame = NULL;
    char *end;
    size_t size;
    int r;

    if (c->call || c->n_in == 0)
        return 0;
    end = memchr(c->in, '\0', c->n_in);
    if (!end)
        return c->n_in > c->server->frame_max ? -EMSGSIZE : 0;
    size = (size_t)(end - c->in);
    frame = strndup(c->in, size);
    if (!frame)
        return -ENOMEM;
    c->n_in -= size + 1;
    memmove(c->in, end + 1, c->n_in);
    r = connection_call(c, frame, size);
    return r < 0 ? r : 1;
}

/* 0: more may come; -ECONNRESET at the end. */
static int connection_read(Connection *c)
{
    char *p = realloc(c->in, c->n_in + READ_SIZE);
    ssize_t n;

    if (!p)
        return -ENOMEM;
    c->in = p;
    n = recv(c->fd, c->in + c->n_in, READ_SIZE, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (n == 0)
        return -ECONNRESET;
    c->n_in += (size_t)n;
    return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Connection *c = userdata;
    int r = 0;

    (void)source;
    (void)fd;
    if (revents & EPOLLIN)
        r = connection_read(c);
    else if (revents & (EPOLLHUP | EPOLLERR))
        r = -ECONNRESET;
    while (r >= 0 && (r = connection_process(c)) > 0)
        ;
    if (r >= 0)
        r = connection_flush(c);
    if (r >= 0)
        r = connection_update(c);
    if (r < 0) {
        if (r != -ECONNRESET && r != -EPIPE)
            log_warning_errno(r, "A caller on the socket is dropped: %m");
        connection_free(c);
    }
    return 0;
}

static int connection_new(VarlinkServer *server, int fd)
{
    Connection *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return -ENOMEM;
    r = sd_event_add_io(server->event, &c->io, fd, EPOLLIN, on_io, c);
    if (r < 0) {
        free(c);
        return r;
    }
    c->server = server;
    c->fd = fd;
    LIST_INSERT_HEAD(&server->connections, c, list);
    server->n_connections++;
    listen_while_there_is_room(server);
    return 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    VarlinkServer *server = userdata;
    int connected, r;

    (void)source;
    (void)revents;
    connected = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connected < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            (void)log_warning_errno(errno, "A connection to the socket is not accepted: %m");
        return 0;
    }
    r = connection_new(server, connected);
    if (r < 0) {
        safe_close(connected);
        (void)log_warning_errno(r, "A connection to the socket is not accepted: %m");
    }
    return 0;
}

int varlink_server_new(sd_event *event, int fd, const VarlinkInterface *interface, size_t frame_max,
                       void *userdata, VarlinkServer **ret)
{
    _cleanup_(varlink_server_freep) VarlinkServer *server = calloc(1, sizeof(*server));
    int r;

    if (!server)
        return -ENOMEM;
    server->fd = -EBADF;
    server->event = sd_event_ref(event);
    server->interface = interface;
    server->frame_max = frame_max;
    server->userdata = userdata;
    r = fcntl(fd, F_GETFL);
    if (r < 0 || fcntl(fd, F_SETFL, r | O_NONBLOCK) < 0)
        return -errno;
    r = sd_event_add_io(event, &server->listener, fd, EPOLLIN, on_connection, server);
    if (r < 0)
        return r;
    server->fd = fd;
    *ret = TAKE_PTR(server);
    return 0;
}

void varlink_server_set_frame_max(VarlinkServer *server, size_t frame_max)
{
    server->frame_max = frame_max;
}

void varlink_server_close(VarlinkServer *server)
{
    server->listener = sd_event_source_disable_unref(server->listener);
    server->fd = safe_close(server->fd);
}

VarlinkServer *varlink_server_free(VarlinkServer *server)
{
    if (!server)
        return NULL;
    varlink_server_close(server);
    while (!LIST_EMPTY(&server->connections))
        connection_free(LIST_FIRST(&server->connections));
    sd_event_unref(server->event);
    free(server);
    return NULL;
}
