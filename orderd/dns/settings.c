/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/settings.h"

#include <stdio.h>

DnsSettings *dns_settings_ref(DnsSettings *settings)
{
    settings->n_ref++;
    return settings;
}

DnsSettings *dns_settings_unref(DnsSettings *settings)
{
    if (!settings || --settings->n_ref > 0)
        return NULL;
    dns_servers_done(&settings->servers);
    dns_servers_done(&settings->resolvers);
    config_unref(settings->config);
    free(settings);
    return NULL;
}

/* A server with several views of a zone may choose one by the key. */
const char *dns_settings_words(const DnsSettings *settings, const TsigKey *query_key)
{
    if (!settings->key || query_key)
        return "";
    return settings->query_key
               ? " (query not signed: the block does not list this server as dns-server)"
               : " (query not signed: sign-queries = no)";
}

static int read_resolvers(DnsSettings *settings, char **ret_why)
{
    int r = settings->verification->resolvers
                ? dns_servers_add_all(&settings->resolvers, settings->verification->resolvers)
                : dns_servers_add_system(&settings->resolvers, NULL);

    if (r < 0 && asprintf(ret_why, "the list of resolvers cannot be read: %s", strerror(-r)) < 0)
        *ret_why = NULL;
    return r;
}

int dns_settings_new(DnsPool *pool, Config *config, const Verification *verification,
                     char **ret_why, DnsSettings **ret)
{
    _cleanup_(dns_settings_unrefp) DnsSettings *settings = calloc(1, sizeof(*settings));
    int r;

    if (!settings)
        return -ENOMEM;
    settings->n_ref = 1;
    settings->pool = pool;
    settings->config = config_ref(config);
    settings->verification = verification;
    settings->key = verification->tsig_key;
    settings->query_key = verification->sign_queries ? settings->key : NULL;
    settings->timeout = verification->timeout * USEC_PER_SEC;
    r = dns_servers_add_all(&settings->servers, verification->dns_servers);
    if (r >= 0)
        r = read_resolvers(settings, ret_why);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(settings);
    return 0;
}
