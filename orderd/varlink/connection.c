/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "varlink/connection.h"

#include <sys/socket.h>

#include "base/macro.h"
#include "log/log.h"
#include "varlink/limits.h"

struct VarlinkCall {
    VarlinkConnection *connection;
    bool oneway;
    void (*gone)(void *userdata);
    void *userdata;
};

static void call_drop(VarlinkConnection *c)
{
    VarlinkCall *call = TAKE_PTR(c->call);

    if (call && call->gone)
        call->gone(call->userdata);
    free(call);
}

void varlink_connection_free(VarlinkConnection *c)
{
    VarlinkShared *shared = c->shared;

    call_drop(c);
    shared->n_incoming -= c->in.size;
    shared->n_outgoing -= c->n_out;
    sd_event_source_disable_unref(c->io);
    safe_close(c->fd);
    frames_done(&c->in);
    free(c->out);
    shared->ended(c, shared->owner);
    varlink_peer_done(&c->peer);
    free(c);
}

void varlink_connection_abort(VarlinkConnection *c)
{
    c->shared->n_incoming -= c->in.size;
    frames_done(&c->in);
    c->is_aborted = true;
    (void)shutdown(c->fd, SHUT_RDWR);
}

bool varlink_connection_is_free(const VarlinkConnection *c)
{
    return !c->call && c->n_out == 0;
}

/* Input behind an open call or an unsent answer waits here, then in the kernel. */
static bool has_room(const VarlinkConnection *c)
{
    return c->in.n <= c->shared->frame_max;
}

static int update_events(VarlinkConnection *c)
{
    uint32_t events = 0;

    if (has_room(c))
        events |= EPOLLIN;
    if (c->n_out > c->n_sent)
        events |= EPOLLOUT;
    return sd_event_source_set_io_events(c->io, events);
}

static int flush(VarlinkConnection *c)
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
    c->shared->n_outgoing -= c->n_out;
    free(c->out);
    c->out = NULL;
    c->n_out = c->n_sent = 0;
    return 0;
}

/* Appends a frame to the output. */
static int queue(VarlinkConnection *c, const json_t *message)
{
    _cleanup_free_ char *text = json_dumps(message, JSON_COMPACT);
    size_t size;
    char *p;

    if (!text)
        return -ENOMEM;
    size = strlen(text) + 1;
    if (c->shared->n_outgoing + size > VARLINK_OUTGOING_MAX)
        return -ENOBUFS;
    p = realloc(c->out, c->n_out + size);
    if (!p)
        return -ENOMEM;
    memcpy(p + c->n_out, text, size);
    c->out = p;
    c->n_out += size;
    c->shared->n_outgoing += size;
    return 0;
}

/* Sends the answer at once, as far as the socket has room: a method may discard the source of an
 * answer afterwards. The event loop sends the rest and takes the next call. Never frees the
 * connection, whose reader may be on the stack. */
static void call_end(VarlinkCall *call, json_t *message)
{
    VarlinkConnection *c = call->connection;
    int r = 0;

    c->call = NULL;
    c->quiet_since = now_monotonic();
    if (!call->oneway)
        r = message ? queue(c, message) : -ENOMEM;
    free(call);
    if (r >= 0)
        r = flush(c);
    if (r >= 0)
        r = sd_event_source_set_io_events(c->io, EPOLLIN | EPOLLOUT);
    if (r < 0) {
        if (c->shared->may_log(c->shared->owner))
            log_warning_errno(r, "Failed to answer a peer on the socket: %m");
        varlink_connection_abort(c);
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

/* Runs the call in one frame. -EBADMSG: the peer does not speak Varlink; other -errno. */
static int run_call(VarlinkConnection *c, const char *frame, size_t size)
{
    json_auto_t *message = json_loadb(frame, size, 0, NULL);
    const char *name = json_string_value(json_object_get(message, "method"));
    const json_t *parameters = json_object_get(message, "parameters");
    VarlinkCall *call;

    if (!name || (parameters && !json_is_object(parameters)))
        return -EBADMSG;
    call = calloc(1, sizeof(*call));
    if (!call)
        return -ENOMEM;
    call->connection = c;
    call->oneway = json_is_true(json_object_get(message, "oneway"));
    c->call = call;
    c->shared->run(call, name, parameters, c->shared->owner);
    return 0;
}

/* Whether a call of this size is too large. The limit may have changed. */
static bool refuses_size(VarlinkShared *shared, size_t size)
{
    if (size > shared->frame_max)
        shared->frame_max = shared->interface->get_frame_max(shared->userdata);
    return size > shared->frame_max;
}

/* Runs the next call if its frame is complete and the connection is free: 1, else 0. -errno. */
static int process(VarlinkConnection *c)
{
    _cleanup_free_ char *frame = NULL;
    size_t before = c->in.size, size;
    bool is_complete;
    int r;

    if (!varlink_connection_is_free(c))
        return 0;
    if (c->shared->is_closing)
        return -ECONNRESET;
    is_complete = frames_find(&c->in, &size);
    if (refuses_size(c->shared, size))
        return -EMSGSIZE;
    if (!is_complete)
        return 0;
    r = frames_take(&c->in, size, &frame);
    c->shared->n_incoming = c->shared->n_incoming - before + c->in.size;
    if (r >= 0)
        r = run_call(c, frame, size);
    return r < 0 ? r : 1;
}

static int read_input(VarlinkConnection *c)
{
    size_t before = c->in.size;
    int r = frames_read(&c->in, c->fd, c->shared->frame_max);

    c->shared->n_incoming = c->shared->n_incoming - before + c->in.size;
    if (r >= 0 && c->shared->n_incoming > VARLINK_INCOMING_MAX)
        c->shared->full(c->shared->owner);
    return r;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    VarlinkConnection *c = userdata;
    int r = 0;

    (void)source;
    (void)fd;
    if (!c->is_aborted && revents & EPOLLIN && has_room(c))
        r = read_input(c);
    else if (c->is_aborted || revents & (EPOLLHUP | EPOLLERR))
        r = -ECONNRESET;
    do {
        if (r >= 0)
            r = flush(c);
        if (r >= 0)
            r = process(c);
    } while (r > 0);
    if (r >= 0)
        r = update_events(c);
    if (r < 0) {
        if (r != -ECONNRESET && r != -EPIPE && c->shared->may_log(c->shared->owner))
            log_warning_errno(
                r, "Failed to communicate with a client on the socket, closing its connection: %m");
        varlink_connection_free(c);
    }
    return 0;
}

int varlink_connection_new(VarlinkShared *shared, int fd, VarlinkPeer *peer,
                           VarlinkConnection **ret)
{
    VarlinkConnection *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return -ENOMEM;
    r = sd_event_add_io(shared->event, &c->io, fd, EPOLLIN, on_io, c);
    if (r < 0) {
        free(c);
        return r;
    }
    c->shared = shared;
    c->fd = fd;
    c->peer = *peer;
    c->quiet_since = now_monotonic();
    *peer = (VarlinkPeer){ 0 };
    *ret = c;
    return 0;
}
