/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/connection.h"

#include <sys/socket.h>

#include "dns/message.h"

#define LENGTH_SIZE 2U
#define BEGIN_SIZE  (LENGTH_SIZE + DNS_HEADER_SIZE)
#define IN_SIZE     (LENGTH_SIZE + DNS_MESSAGE_SIZE_MAX)

struct DnsConnection {
    int fd;
    bool connected;
    bool is_busy; /* a callback runs */
    /* Freed by a callback. The rest follows when the callback has returned. */
    bool is_gone;
    sd_event_source *io;
    uint8_t *out;
    size_t n_out, n_sent;
    uint8_t *in; /* one message with its length prefix; IN_SIZE bytes */
    size_t n_in;
    size_t n_awaited; /* messages without an answer yet */
    dns_connection_message_cb on_message;
    dns_connection_end_cb on_end;
    void *userdata;
};

DnsConnection *dns_connection_free(DnsConnection *c)
{
    if (!c)
        return NULL;
    if (c->is_busy) {
        c->is_gone = true;
        return NULL;
    }
    sd_event_source_disable_unref(c->io);
    safe_close(c->fd);
    free(c->out);
    free(c->in);
    free(c);
    return NULL;
}

DEFINE_CLEANUP_FUNC(DnsConnection *, dns_connection_free)

static int update_events(DnsConnection *c)
{
    uint32_t events = EPOLLIN;

    if (!c->connected || c->n_sent < c->n_out)
        events |= EPOLLOUT;
    return sd_event_source_set_io_events(c->io, events);
}

static int finish_connect(DnsConnection *c)
{
    socklen_t size = sizeof(int);
    int error = 0;

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    c->connected = error == 0;
    return -error;
}

static int flush(DnsConnection *c)
{
    while (c->n_sent < c->n_out) {
        ssize_t n = send(c->fd, c->out + c->n_sent, c->n_out - c->n_sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        c->n_sent += (size_t)n;
    }
    free(c->out);
    c->out = NULL;
    c->n_out = c->n_sent = 0;
    return 0;
}

static size_t message_size(const DnsConnection *c)
{
    return c->n_in < LENGTH_SIZE ? 0 : (size_t)c->in[0] << 8 | c->in[1];
}

/* Receives some of the missing bytes. Bytes beyond the buffer overwrite earlier ones, but not the
 * header. */
static ssize_t receive_some(const DnsConnection *c, size_t missing)
{
    size_t at = c->n_in < IN_SIZE ? c->n_in : BEGIN_SIZE, room = IN_SIZE - at;

    return recv(c->fd, c->in + at, missing < room ? missing : room, 0);
}

/* 1: a message is complete; 0: no more data for now. */
static int receive(DnsConnection *c)
{
    for (;;) {
        size_t wanted = LENGTH_SIZE + message_size(c);
        ssize_t n;

        if (c->n_in >= LENGTH_SIZE && wanted < BEGIN_SIZE)
            return -EBADMSG;
        if (c->n_in == wanted)
            return 1;
        n = receive_some(c, wanted - c->n_in);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        if (n == 0)
            return -ECONNRESET;
        c->n_in += (size_t)n;
    }
}

static int transfer(DnsConnection *c, uint32_t revents)
{
    int r = 0;

    if (!c->connected && (revents & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
        r = finish_connect(c);
    if (r >= 0 && c->connected)
        r = flush(c);
    while (r >= 0 && c->connected && (r = receive(c)) > 0) {
        c->n_in = 0;
        if (c->n_awaited == 0)
            return -EBADMSG;
        c->n_awaited--;
        c->on_message(c, c->in + LENGTH_SIZE, (size_t)c->in[0] << 8 | c->in[1], c->userdata);
        if (c->is_gone)
            return 0;
    }
    return r < 0 ? r : update_events(c);
}

static int connection_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    DnsConnection *c = userdata;
    int r;

    (void)source;
    (void)fd;
    c->is_busy = true;
    r = transfer(c, revents);
    c->is_busy = false;
    if (c->is_gone) {
        dns_connection_free(c);
        return 0;
    }
    if (r < 0) {
        (void)sd_event_source_set_enabled(c->io, SD_EVENT_OFF);
        c->on_end(c, r, c->userdata);
    }
    return 0;
}

int dns_connection_new(sd_event *event, const DnsServer *server,
                       dns_connection_message_cb on_message, dns_connection_end_cb on_end,
                       void *userdata, DnsConnection **ret)
{
    _cleanup_(dns_connection_freep) DnsConnection *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return -ENOMEM;
    c->on_message = on_message;
    c->on_end = on_end;
    c->userdata = userdata;
    c->in = malloc(IN_SIZE);
    c->fd = socket(server->address.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return -errno;
    if (!c->in)
        return -ENOMEM;
    if (connect(c->fd, &server->address.sa, server->size) < 0 && errno != EINPROGRESS)
        return -errno;
    r = sd_event_add_io(event, &c->io, c->fd, EPOLLIN | EPOLLOUT, connection_on_io, c);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(c);
    return 0;
}

bool dns_connection_is_made(const DnsConnection *c)
{
    return c->connected;
}

int dns_connection_send(DnsConnection *c, const uint8_t *wire, size_t size)
{
    uint8_t *grown;

    if (size > DNS_MESSAGE_SIZE_MAX)
        return -EINVAL;
    grown = realloc(c->out, c->n_out + LENGTH_SIZE + size);
    if (!grown)
        return -ENOMEM;
    c->out = grown;
    grown[c->n_out++] = (uint8_t)(size >> 8);
    grown[c->n_out++] = (uint8_t)size;
    memcpy(grown + c->n_out, wire, size);
    c->n_out += size;
    c->n_awaited++;
    return update_events(c);
}
