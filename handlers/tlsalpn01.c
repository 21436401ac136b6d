/* SPDX-License-Identifier: GPL-3.0-or-later */

/* acmems-tlsalpn01: answers tls-alpn-01 challenges (RFC 8737) with the certificates that
 * orderd writes. */

#include "base/macro.h"
#include "log/log.h"
#include "serving/handler.h"
#include "statedir/challenges/tls-challenge.h"
#include "tls/connection.h"
#include "tls/passthrough.h"
#include "tls/validation.h"

static void tlsalpn01_close(void *userdata)
{
    TlsServer *server = userdata;

    passthrough_close(&server->passthrough);
    SSL_CTX_free(server->context);
    free(server);
}

DEFINE_CLEANUP_FUNC(TlsServer *, tlsalpn01_close)

static int tlsalpn01_open(const char *const values[], void **ret)
{
    _cleanup_(tlsalpn01_closep) TlsServer *server = calloc(1, sizeof(*server));
    const char *target = values[1], *proxy_protocol = str_or(values[2], "no");
    int r;

    if (!server)
        return log_oom();
    server->challenges = values[0];
    if (!streq(proxy_protocol, "yes") && !streq(proxy_protocol, "no"))
        return log_event_errno(LOG_EVENT_START_FAILED, EINVAL,
                               "--passthrough-proxy-protocol: '%s' is neither yes nor no",
                               proxy_protocol);
    if (target && *target) {
        r = passthrough_open(target, &server->passthrough);
        if (r == -ENOMEM)
            return log_oom();
        if (r < 0)
            return log_event_errno(LOG_EVENT_START_FAILED, r,
                                   "--passthrough: '%s' is not ADDRESS:PORT or [ADDRESS]:PORT",
                                   target);
        server->passthrough.proxy_protocol = streq(proxy_protocol, "yes");
    }
    server->context = validation_context_new();
    if (!server->context)
        return log_event_errno(LOG_EVENT_START_FAILED, EIO, "Failed to set up OpenSSL for TLS");
    *ret = TAKE_PTR(server);
    return 0;
}

static bool tlsalpn01_has_arrived(int fd, _unused_ void *userdata)
{
    return tls_connection_has_arrived(fd);
}

static void tlsalpn01_serve(int fd, void *userdata)
{
    tls_connection_serve(fd, userdata);
}

/* A forwarded connection may last as long as its two sides want. */
static void adapt(ForkServer *fork_server, const void *userdata)
{
    const TlsServer *server = userdata;

    if (server->passthrough.size == 0)
        return;
    fork_server->lifetime = USEC_INFINITY;
    fork_server->outbound = OUTBOUND_ANY;
}

int main(int argc, char *argv[])
{
    static const HandlerProgram program = {
        .name = "acmems-tlsalpn01",
        .summary = "Answers tls-alpn-01 challenges",
        .options = { { "challenges", "DIR", "directory of the challenge files",
                       TLS_CHALLENGE_DIRECTORY_DEFAULT },
                     { "passthrough", "ADDRESS:PORT", "server that gets all other connections",
                       NULL },
                     { "passthrough-proxy-protocol", "yes|no",
                       "tell that server the client's address in a PROXY header", "no" } },
        .open = tlsalpn01_open,
        .close = tlsalpn01_close,
        .has_arrived = tlsalpn01_has_arrived,
        .serve = tlsalpn01_serve,
        .lifetime = 60 * USEC_PER_SEC,
        .adapt = adapt,
    };

    return handler_main(argc, argv, &program);
}
