/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/reachability.h"

#include <syslog.h>

#include "net/listening.h"
#include "strings/strv.h"

/* Where the clients are that [mgmt] can have. */
typedef enum Reach {
    REACH_NETWORK,
    REACH_LOOPBACK,
    REACH_UNIX, /* they have no address */
} Reach;

/* A front server on this machine tells the addresses of its clients, if proxy-protocol is set. */
static Reach find_reach(const Config *config)
{
    Reach reach = REACH_UNIX;

    if (config->n_listeners == 0 || config->n_proxies > 0)
        return REACH_NETWORK;
    for (size_t i = 0; i < config->n_listeners; i++) {
        const ListenAddress *address = &config->listeners[i];

        if (address->kind == LISTEN_UNIX)
            continue;
        if (!listen_address_is_loopback(address))
            return REACH_NETWORK;
        reach = REACH_LOOPBACK;
    }
    return reach;
}

/* Whether it has no other clients than those on this machine: 127.0.0.0/8, ::1. */
static bool is_loopback(const AddressPrefix *prefix)
{
    return (prefix->family == AF_INET && prefix->length >= 8 && prefix->bytes[0] == 127) ||
           (prefix->length == 128 && address_prefix_covers(prefix, "::1"));
}

/* Whether a client on this machine matches. */
static bool has_loopback(const AddressPrefix *prefix)
{
    return is_loopback(prefix) || address_prefix_covers(prefix, "127.0.0.1") ||
           address_prefix_covers(prefix, "::1");
}

static bool is_matched_locally(const AuthBlock *auth)
{
    for (size_t i = 0; i < auth->n_ips; i++)
        if (has_loopback(&auth->ips[i]))
            return true;
    return false;
}

/* The networks with clients on other machines, separated by commas; NULL: none, or out of memory.
 */
static char *list_remote(const AuthBlock *auth)
{
    _cleanup_strv_ char **remote = NULL;

    for (size_t i = 0; i < auth->n_ips; i++) {
        char text[ADDRESS_PREFIX_SIZE];

        if (!is_loopback(&auth->ips[i]) &&
            strv_extend(&remote, address_prefix_format(&auth->ips[i], text)) < 0)
            return NULL;
    }
    return remote ? strv_join(remote, ", ") : NULL;
}

#define ADD_LISTENER                                                                               \
    "add a listener to [mgmt], or proxy-protocol for a front server on this machine"

static void check_auth(const AuthBlock *auth, Reach reach, const ConfigListener *listener)
{
    _cleanup_free_ char *remote = list_remote(auth);

    if (reach == REACH_UNIX)
        config_tell(listener, LOG_WARNING, auth->file, auth->line,
                    "no client can match ip of [auth \"%.64s\"], because [mgmt] listens on unix "
                    "sockets only, where clients have no address; " ADD_LISTENER,
                    auth->name);
    else if (!is_matched_locally(auth))
        config_tell(listener, LOG_WARNING, auth->file, auth->line,
                    "no client can match [auth \"%.64s\"], because [mgmt] listens on loopback "
                    "only; " ADD_LISTENER,
                    auth->name);
    else if (remote)
        config_tell(listener, LOG_WARNING, auth->file, auth->line,
                    "no client on another machine can match [auth \"%.64s\"] (ip = %s), because "
                    "[mgmt] listens on loopback only; " ADD_LISTENER,
                    auth->name, remote);
}

void reachability_check(const Config *config, const ConfigListener *listener)
{
    Reach reach = find_reach(config);

    for (size_t i = 0; reach != REACH_NETWORK && i < config->n_auth; i++)
        if (config->auth[i]->n_ips > 0)
            check_auth(config->auth[i], reach, listener);
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
