/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/reachability.h"

#include <syslog.h>

#include "net/listening.h"
#include "strings/strv.h"

static bool is_local(const ListenAddress *address)
{
    return address->kind == LISTEN_UNIX || listen_address_is_loopback(address);
}

/* Whether a client on this machine matches: 127.0.0.0/8, ::1. */
static bool has_loopback(const AddressPrefix *prefix)
{
    return (prefix->family == AF_INET && prefix->length >= 8 && prefix->bytes[0] == 127) ||
           address_prefix_covers(prefix, "127.0.0.1") || address_prefix_covers(prefix, "::1");
}

static bool is_matched_locally(const AuthBlock *auth)
{
    for (size_t i = 0; i < auth->n_ips; i++)
        if (has_loopback(&auth->ips[i]))
            return true;
    return auth->n_ips == 0;
}

/* A front server on this machine tells the addresses of its clients, if proxy-protocol is set. */
static bool listens_locally(const Config *config)
{
    for (size_t i = 0; i < config->n_listeners; i++)
        if (!is_local(&config->listeners[i]))
            return false;
    return config->n_listeners > 0 && config->n_proxies == 0;
}

void reachability_check(const Config *config, const ConfigListener *listener)
{
    if (!listens_locally(config))
        return;
    for (size_t i = 0; i < config->n_auth; i++)
        if (!is_matched_locally(config->auth[i]))
            config_tell(listener, LOG_WARNING, config->auth[i]->file, config->auth[i]->line,
                        "no client can match [auth \"%.64s\"], because [mgmt] listens on loopback "
                        "only; add a listener to [mgmt], or proxy-protocol for a front server on "
                        "this machine",
                        config->auth[i]->name);
}

/* The listeners of one socket unit. */
typedef struct Socket {
    const char *unit;
    const char *file; /* where the configuration has them */
    unsigned line;
    const ListenAddress *listeners;
    size_t n;
} Socket;

/* The addresses at which no process listens, separated by commas; NULL: none, or out of memory. */
static char *list_closed(const Socket *socket)
{
    _cleanup_strv_ char **closed = NULL;

    for (size_t i = 0; i < socket->n; i++) {
        char text[LISTEN_ADDRESS_SIZE];

        if (listening_at(&socket->listeners[i]) == 0 &&
            strv_extend(&closed, listen_address_format(&socket->listeners[i], text)) < 0)
            return NULL;
    }
    return closed ? strv_join(closed, ", ") : NULL;
}

/* systemctl enable reads the configuration again, as daemon-reload does. A restart opens a changed
 * listener, and starts a socket that was not active. */
static void check_socket(const Socket *socket, const ConfigListener *listener)
{
    _cleanup_free_ char *closed = list_closed(socket);

    if (closed)
        config_tell(listener, LOG_WARNING, socket->file, socket->line,
                    "no process listens at %s: run systemctl enable %s && systemctl restart %s",
                    closed, socket->unit, socket->unit);
}

static bool is_used(const Config *config, const Verification *verification)
{
    for (size_t i = 0; i < config->n_auth; i++)
        for (size_t j = 0; j < config->auth[i]->n_verifications; j++)
            if (config->auth[i]->verifications[j] == verification)
                return true;
    return false;
}

void reachability_check_sockets(const Config *config, const ConfigListener *listener)
{
    static const char *const units[] = {
        [VERIFICATION_HTTP01] = "acmems-http01.socket",
        [VERIFICATION_DNS01_DNSUPDATE] = NULL, /* has no listeners */
        [VERIFICATION_TLSALPN01] = "acmems-tlsalpn01.socket",
    };
    const Socket mgmt = { "acmems-mgmt.socket", config->path, 0, config->listeners,
                          config->n_listeners };

    if (config->n_auth > 0)
        check_socket(&mgmt, listener);
    for (size_t i = 0; i < config->n_verifications; i++) {
        const Verification *v = config->verifications[i];

        if (is_used(config, v))
            check_socket(
                &(Socket){ units[v->type], v->file, v->line, v->listeners, v->n_listeners },
                listener);
    }
}
