/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns-realm.h"

#include <stdio.h>

DnsRealm *dns_realm_free(DnsRealm *realm)
{
    if (!realm)
        return NULL;
    dns_servers_done(&realm->servers);
    dns_servers_done(&realm->resolvers);
    tsig_key_free(realm->key);
    free(realm);
    return NULL;
}

static int read_key(DnsRealm *realm, char why[TSIG_WHY_SIZE])
{
    const Verification *verification = realm->verification;

    if (verification->tsig_key_file)
        return tsig_key_load(verification->tsig_key_file, why, &realm->key);
    return verification->tsig_key ? tsig_key_parse(verification->tsig_key, why, &realm->key) : 0;
}

static int read_resolvers(DnsRealm *realm)
{
    return realm->verification->resolvers
               ? dns_servers_add_all(&realm->resolvers, realm->verification->resolvers)
               : dns_servers_add_system(&realm->resolvers, NULL);
}

int dns_realm_new(DnsPool *pool, const Verification *verification, char why[TSIG_WHY_SIZE],
                  DnsRealm **ret)
{
    _cleanup_(dns_realm_freep) DnsRealm *realm = calloc(1, sizeof(*realm));
    int r;

    (void)snprintf(why, TSIG_WHY_SIZE, "out of memory");
    if (!realm)
        return -ENOMEM;
    realm->pool = pool;
    realm->verification = verification;
    realm->timeout = verification->timeout * USEC_PER_SEC;
    r = read_key(realm, why);
    if (r < 0)
        return r;
    r = dns_servers_add_all(&realm->servers, verification->dns_servers);
    if (r >= 0)
        r = read_resolvers(realm);
    if (r < 0) {
        (void)snprintf(why, TSIG_WHY_SIZE, "the resolvers cannot be read: %s", strerror(-r));
        return r;
    }
    *ret = TAKE_PTR(realm);
    return 0;
}
