/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/connection.h"

#include <fcntl.h>
#include <signal.h>

#include "admission/turns.h"
#include "base/io.h"
#include "log/log.h"
#include "serving/handler.h"
#include "tls/client-hello.h"
#include "tls/validation.h"

/* For a whole validation. */
#define TIMEOUT (10 * USEC_PER_SEC)
/* Deadlines after SIGTERM, for every kind of connection: no client is served at this port until all
 * connections have ended. Both are shorter than TimeoutStopSec= of the unit. */
#define STOP_IDLE_TIMEOUT (1 * USEC_PER_SEC)
#define STOP_TIMEOUT      (5 * USEC_PER_SEC)

/* RFC 8446 §6.2 */
typedef enum Alert {
    ALERT_DECODE_ERROR = 50,
    ALERT_INTERNAL_ERROR = 80,
    ALERT_UNRECOGNIZED_NAME = 112,
    ALERT_NO_APPLICATION_PROTOCOL = 120,
} Alert;

typedef struct TlsConnection {
    int fd;
    const TlsServer *server;
    usec_t deadline;
    Stop stop;
    char peer[INET6_ADDRSTRLEN];
    ClientHello hello;
    size_t size;
    uint8_t received[CLIENT_HELLO_SIZE_MAX];
} TlsConnection;

bool tls_connection_has_arrived(int fd)
{
    uint8_t data[CLIENT_HELLO_SIZE_MAX];
    ssize_t n = recv(fd, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT);

    return n > 0 && client_hello_measure(data, (size_t)n) != CLIENT_HELLO_UNFINISHED;
}

/* Returns CLIENT_HELLO_WHOLE; CLIENT_HELLO_UNFINISHED when the client left or was too slow;
 * -EBADMSG or -EFBIG when it sent something else. */
static int receive_hello(TlsConnection *c)
{
    usec_t first = now_monotonic() + TURNS_SILENT_MAX;
    int r = CLIENT_HELLO_UNFINISHED;

    while (r == CLIENT_HELLO_UNFINISHED) {
        ssize_t n = stop_wait(&c->stop, c->fd, POLLIN, c->size > 0 ? c->deadline : first);

        if (n >= 0)
            n = receive_before(c->fd, c->received + c->size, sizeof(c->received) - c->size,
                               c->deadline);
        if (n <= 0)
            return CLIENT_HELLO_UNFINISHED;
        c->size += (size_t)n;
        r = client_hello_parse(c->received, c->size, &c->hello);
    }
    return r;
}

/* Sends a fatal alert. Before the key exchange its format is the same in all versions of TLS. */
static void tls_refuse(const TlsConnection *c, Alert alert, const char *why)
{
    const uint8_t record[] = { 21, 3, 3, 0, 2, 2 /* fatal */, (uint8_t)alert };

    log_debug("Refused a handshake for '%s' with %s: %s", c->hello.server_name, c->peer, why);
    (void)write_all(c->fd, record, sizeof(record), c->deadline);
    socket_linger(c->fd);
}

/* Opens the directory for each connection: it may appear, vanish or be replaced while this runs. */
static int read_challenge(const TlsConnection *c, TlsChallenge *ret)
{
    _cleanup_close_ int dir_fd = open(c->server->challenges, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir_fd < 0)
        return errno == ENOENT ? CHALLENGE_NOT_FOUND : -errno;
    return tls_challenge_read(dir_fd, c->hello.server_name, ret);
}

static void show(TlsConnection *c, const TlsChallenge *challenge)
{
    const Validation validation = {
        .fd = c->fd,
        .challenge = challenge,
        .received = c->received,
        .size = c->size,
        .deadline = c->deadline,
        .stop = &c->stop,
    };
    const char *why = NULL;
    int r;

    if (handler_confine_network() < 0)
        return;
    r = validation_serve(&validation, c->server->context, &why);
    if (r < 0)
        log_debug("The handshake for %s with %s failed: %s", c->hello.server_name, c->peer,
                  str_or(why, strerror(-r)));
    else
        log_debug("Sent the challenge certificate for %s to %s", c->hello.server_name, c->peer);
}

static void serve_validation(TlsConnection *c)
{
    _cleanup_(tls_challenge_done) TlsChallenge challenge = { 0 };
    int r = *c->hello.server_name ? read_challenge(c, &challenge) : CHALLENGE_NOT_FOUND;

    if (r < 0) {
        (void)log_event_errno(LOG_EVENT_CHALLENGE_UNREADABLE, r,
                              "Failed to read the challenge for %s in '%s': %m",
                              c->hello.server_name, c->server->challenges);
        tls_refuse(c, ALERT_INTERNAL_ERROR, "the challenge file cannot be read");
    } else if (r == CHALLENGE_NOT_FOUND) {
        tls_refuse(c, ALERT_UNRECOGNIZED_NAME, "there is no challenge for this name");
    } else {
        show(c, &challenge);
    }
}

void tls_connection_serve(int fd, const TlsServer *server)
{
    LogFields fields = { 0 };
    SocketAddress peer = { 0 };
    TlsConnection c;
    int r;

    memset(&c, 0, offsetof(TlsConnection, received));
    c.fd = fd;
    c.server = server;
    c.deadline = now_monotonic() + TIMEOUT;
    c.stop = (Stop){ stop_open_fd(), STOP_IDLE_TIMEOUT, STOP_TIMEOUT, USEC_INFINITY };
    (void)socket_peer(fd, &peer);
    log_fields_add(&fields, LOG_FIELD_CLIENT, socket_address_format(&peer, c.peer));
    log_set_context(&fields);
    /* OpenSSL calls write(2) and the relay splice(2): both would raise it. */
    (void)signal(SIGPIPE, SIG_IGN);
    r = receive_hello(&c);
    if (r == CLIENT_HELLO_UNFINISHED)
        log_debug("%s did not send a complete ClientHello in time", c.peer);
    else if (r == CLIENT_HELLO_WHOLE && c.hello.is_validation)
        serve_validation(&c);
    else if (c.server->passthrough.size > 0)
        passthrough_serve(fd, &c.server->passthrough, c.received, c.size, &c.stop);
    else if (r < 0)
        tls_refuse(&c, ALERT_DECODE_ERROR, "this is not a ClientHello");
    else
        tls_refuse(&c, ALERT_NO_APPLICATION_PROTOCOL,
                   "the offered protocol is not acme-tls/1 alone");
    log_context_done(&fields);
    (void)safe_close(c.stop.fd);
}
