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

static int read_key(DnsRealm *realm, char **ret_why)
{
    const Verification *verification = realm->verification;
    const char *path = verification->tsig_key_file;
    char why[TSIG_WHY_SIZE] = "";
    int r = 0;

    if (path)
        r = tsig_key_load(path, why, &realm->key);
    else if (verification->tsig_key)
        r = tsig_key_parse(verification->tsig_key, why, &realm->key);
    if (r < 0 && asprintf(ret_why, "the TSIG key%s%s cannot be used: %s", path ? " in " : "",
                          str_or(path, ""), why) < 0)
        *ret_why = NULL;
    return r;
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
    realm->timeout = verification->timeout * USEC_PER_SEC;
    r = read_key(realm, ret_why);
    if (r >= 0)
        r = dns_servers_add_all(&realm->servers, verification->dns_servers);
    if (r >= 0)
        r = read_resolvers(realm, ret_why);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(realm);
    return 0;
}
