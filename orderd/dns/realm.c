/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/realm.h"

#include <stdio.h>

DnsRealm *dns_realm_ref(DnsRealm *realm)
{
    realm->n_ref++;
    return realm;
}

DnsRealm *dns_realm_unref(DnsRealm *realm)
{
    if (!realm || --realm->n_ref > 0)
        return NULL;
    dns_servers_done(&realm->servers);
    dns_servers_done(&realm->resolvers);
    config_unref(realm->config);
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

int dns_realm_new(DnsPool *pool, Config *config, const Verification *verification, char **ret_why,
                  DnsRealm **ret)
{
    _cleanup_(dns_realm_unrefp) DnsRealm *realm = calloc(1, sizeof(*realm));
    int r;

    if (!realm)
        return -ENOMEM;
    realm->n_ref = 1;
    realm->pool = pool;
    realm->config = config_ref(config);
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
