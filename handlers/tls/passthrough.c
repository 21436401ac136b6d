/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/passthrough.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "admission/proxy-header.h"
#include "base/io.h"
#include "log/log.h"
#include "serving/handler.h"
#include "tls/relay.h"

#define CONNECT_TIMEOUT (10 * USEC_PER_SEC)
/* Long polls and websockets may be silent for a long time. But a peer that ignores the end of the
 * other side must not keep a process: once every process is taken, the port is closed for
 * validations too. */
#define IDLE_TIMEOUT      (3600 * USEC_PER_SEC)
#define HALF_IDLE_TIMEOUT (60 * USEC_PER_SEC)
/* At most one journal entry in this time: otherwise every client would leave one while the server
 * behind is down. */
#define FAILURE_INTERVAL (10 * USEC_PER_SEC)

int passthrough_open(const char *text, Passthrough *ret)
{
    _cleanup_(listen_address_done) ListenAddress address = { 0 };
    Passthrough target = { .text = text };
    int r = listen_address_parse(text, &address);

    if (r < 0)
        return r;
    if (address.kind == LISTEN_UNIX || address.interface)
        return -EINVAL;
    if (address.kind == LISTEN_INET) {
        target.size = sizeof(target.address.in);
        target.address.in.sin_family = AF_INET;
        target.address.in.sin_port = htons((in_port_t)address.port);
        memcpy(&target.address.in.sin_addr, address.bytes, sizeof(target.address.in.sin_addr));
    } else {
        target.size = sizeof(target.address.in6);
        target.address.in6.sin6_family = AF_INET6;
        target.address.in6.sin6_port = htons((in_port_t)address.port);
        memcpy(&target.address.in6.sin6_addr, address.bytes, sizeof(target.address.in6.sin6_addr));
    }
    r = log_throttle_new(FAILURE_INTERVAL, &target.failures);
    if (r < 0)
        return r;
    *ret = target;
    return 0;
}

void passthrough_close(Passthrough *passthrough)
{
    uint64_t held = passthrough->failures ? log_throttle_take_held(passthrough->failures) : 0;

    if (held > 0)
        log_event(LOG_EVENT_PASSTHROUGH_FAILED, NULL,
                  "Connections that could not be forwarded to %s since the last entry: %" PRIu64,
                  passthrough->text, held);
    log_throttle_free(passthrough->failures);
    *passthrough = (Passthrough){ 0 };
}

static int finish_connect(int fd, Stop *stop)
{
    int error = 0, r = stop_wait(stop, fd, POLLOUT, now_monotonic() + CONNECT_TIMEOUT);
    socklen_t size = sizeof(error);

    if (r < 0)
        return r;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    return -error;
}

/* Returns a descriptor or -errno. */
static int connect_to(const Passthrough *target, Stop *stop)
{
    _cleanup_close_ int fd =
        socket(target->address.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r = 0;

    if (fd < 0)
        return -errno;
    if (connect(fd, &target->address.sa, target->size) < 0)
        r = errno == EINPROGRESS ? finish_connect(fd, stop) : -errno;
    return r < 0 ? r : TAKE_FD(fd);
}

/* Detects a loop: the connection would be forwarded to the address that it arrived at, without end.
 * The configuration does not show this, because a wildcard listens at addresses that it does not
 * list. But on its second pass, a connection that loops arrives at the address that it was
 * forwarded to. */
static bool is_loop(int fd, int behind)
{
    SocketAddress here, there;

    return socket_own(fd, &here) >= 0 && socket_peer(behind, &there) >= 0 &&
           socket_address_equal(&here, &there);
}

/* Keepalive finds peers that vanished. TCP_NODELAY sends small writes at once. */
static void set_options(int fd)
{
    int on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void tell_failure(const Passthrough *target, int error)
{
    uint64_t held;
    char more[64] = "";
    const char *why = error == -ELOOP ? "it arrived at this very address, so passthrough names a "
                                        "listener of acmems-tlsalpn01 itself"
                                      : strerror(-error);

    if (!log_throttle_pass(target->failures, &held))
        return;
    if (held > 0)
        (void)snprintf(more, sizeof(more), " (and %" PRIu64 " more since the last entry)", held);
    log_event(LOG_EVENT_PASSTHROUGH_FAILED, NULL, "A connection could not be forwarded to %s%s: %s",
              target->text, more, why);
}

/* A client that is gone already has no address any more. Nothing is forwarded then: otherwise, the
 * server would take what the client sent for a request of this machine. */
static int send_proxy_header(int fd, int behind, usec_t deadline)
{
    uint8_t header[PROXY_HEADER_WRITE_MAX];
    SocketAddress client, here;
    int r = socket_peer(fd, &client);

    if (r >= 0 && client.sa.sa_family == AF_UNSPEC)
        r = -ENOTCONN;
    if (r >= 0)
        r = socket_own(fd, &here);
    return r < 0 ? r
                 : write_all(behind, header, proxy_header_write(&client, &here, header), deadline);
}

/* Sends what the server behind is to see before the relay begins. */
static int send_start(const Passthrough *target, int fd, int behind, const void *received,
                      size_t size)
{
    usec_t deadline = now_monotonic() + CONNECT_TIMEOUT;
    int r = target->proxy_protocol ? send_proxy_header(fd, behind, deadline) : 0;

    return r < 0 ? r : write_all(behind, received, size, deadline);
}

void passthrough_serve(int fd, const Passthrough *target, const void *received, size_t size,
                       Stop *stop)
{
    _cleanup_close_ int behind = connect_to(target, stop);
    const RelayLimits limits = { IDLE_TIMEOUT, HALF_IDLE_TIMEOUT, stop };
    int r = behind < 0 ? behind : is_loop(fd, behind) ? -ELOOP : 0;

    if (handler_confine_network() < 0)
        return;
    if (r >= 0) {
        set_options(fd);
        set_options(behind);
        r = send_start(target, fd, behind, received, size);
    }
    if (r < 0) {
        tell_failure(target, r);
        return;
    }
    r = relay_run(fd, behind, &limits);
    log_debug("A connection forwarded to %s ended: %s", target->text,
              r < 0 ? strerror(-r) : "both sides closed it");
}
