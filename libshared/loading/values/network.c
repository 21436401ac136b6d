/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/values/values.h"

#include "config/dns-server.h"
#include "strings/host.h"

int value_listener(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    ListenAddress **list = config_target(key, object), *grown, address;
    size_t *n = config_target_count(key, object);
    bool first = !config_seen(l, (SectionId)(l->section - l->sections), key->name)->file;
    int r;

    /* An empty value and a list contradict each other, in either order. An empty value sets *list
     * with *n == 0; a refused value leaves *list NULL. */
    if (*value ? *list && *n == 0 : !first)
        return refuse(l,
                      "an empty %s disables listening, but others are set; delete the empty one or "
                      "the others",
                      key->name);
    if (!*value) {
        *list = calloc(1, sizeof(**list));
        return *list ? 0 : -ENOMEM;
    }
    r = listen_address_parse(value, &address);
    l->unlistened |= r < 0;
    if (r == -EINVAL)
        return refuse(l,
                      "%s = " QUOTED " is not an address to listen on; write 192.0.2.1:1313, "
                      "[2001:db8::1]:1313 or /run/name.sock",
                      key->name, value);
    if (r < 0)
        return r;
    grown = config_grow(*list, *n, sizeof(*grown));
    if (!grown) {
        listen_address_done(&address);
        return -ENOMEM;
    }
    grown[(*n)++] = address;
    *list = grown;
    return 0;
}

int value_dns_server(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    int r = dns_server_check(value);

    if (r == -EDESTADDRREQ)
        return refuse(l,
                      "%s = " QUOTED " is a link-local address without an interface; write "
                      "fe80::53%%eth0 or [fe80::53%%eth0]:53",
                      key->name, value);
    if (r == -EADDRNOTAVAIL)
        return refuse(l,
                      "%s = " QUOTED " has an interface, but only link-local addresses (fe80::) "
                      "take one; delete %% and what follows",
                      key->name, value);
    if (r < 0)
        return refuse(l,
                      "%s = " QUOTED
                      " is not an address; write 192.0.2.53, 192.0.2.53:53 or [2001:db8::53]:53",
                      key->name, value);
    return value_add_string(key, value, object);
}

/* Host names are not accepted: the program that connects has no resolver, and its sandbox allows
 * only this address. */
int value_passthrough(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    _cleanup_(listen_address_done) ListenAddress address = { 0 };
    int r = listen_address_parse(value, &address);

    if (r == -EINVAL || (r >= 0 && (address.kind == LISTEN_UNIX || address.interface)))
        return refuse(l,
                      "%s = " QUOTED " is not an address with a port; write 127.0.0.1:8443 or "
                      "[2001:db8::1]:8443, not a name",
                      key->name, value);
    return r < 0 ? r : value_set_string(key, value, object);
}

int value_ip(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    AddressPrefix **list = config_target(key, object), *grown, prefix;
    size_t *n = config_target_count(key, object);
    _cleanup_free_ char *meant = NULL;
    int r = address_prefix_parse(value, &prefix, &meant);

    if (r == -EINVAL && meant)
        return refuse(l, "%s = " QUOTED " has host bits set; write %s", key->name, value, meant);
    if (r == -EINVAL)
        return refuse(
            l,
            "%s = " QUOTED
            " is not an address or prefix; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32",
            key->name, value);
    if (r < 0)
        return r;
    grown = config_grow(*list, *n, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    grown[(*n)++] = prefix;
    *list = grown;
    return 0;
}

int value_server_name(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    char host[HOST_SIZE];

    if (host_parse(value, strlen(value), host) < 0)
        return refuse(l,
                      "%s = " QUOTED " is not a host; write the name or the address that clients "
                      "use in the URL, without a port",
                      key->name, value);
    return value_add_string(key, host, object);
}
