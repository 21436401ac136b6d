/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns-realm.h"

#include <stdio.h>

DnsRealm *dns_realm_free(DnsRealm *realm)
{
    if (!realm)
        return NULL;
    dns_servers_done(&realm->servers);
    dns_servers_done(&realm->resolvers);
    free(realm);
    return NULL;
}

static int read_resolvers(DnsRealm *realm, char **ret_why)
{
    int r = realm->verification->resolvers
                ? dns_servers_add_all(&realm->resolvers, realm->verification->resolvers)
                : dns_servers_add_system(&realm->resolvers, NULL);

    if (r < 0 && asprintf(ret_why, "the resolvers cannot be read: %s", strerror(-r)) < 0)
        *ret_why = NULL;
    return r;
}

int dns_realm_new(DnsPool *pool, const Verification *verification, char **ret_why, DnsRealm **ret)
{
    _cleanup_(dns_realm_freep) DnsRealm *realm = calloc(1, sizeof(*realm));
    int r;

    if (!realm)
        return -ENOMEM;
    realm->pool = pool;
    realm->verification = verification;
    realm->key = verification->tsig_key;
    realm->timeout = verification->timeout * USEC_PER_SEC;
    r = dns_servers_add_all(&realm->servers, verification->dns_servers);
    if (r >= 0)
        r = read_resolvers(realm, ret_why);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(realm);
    return 0;
}
