/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The DNS settings of a verification block, ready for use: servers, resolvers, key and timeout. */

#include "config/config.h"
#include "dns/exchange.h"

typedef struct DnsSettings {
    unsigned n_ref;
    DnsPool *pool;  /* borrowed */
    Config *config; /* a reference */
    const Verification *verification;
    DnsServers servers;       /* to update, in this order */
    DnsServers resolvers;     /* for lookups */
    const TsigKey *key;       /* NULL: updates are not signed */
    const TsigKey *query_key; /* of queries to .servers; NULL: they are not signed */
    usec_t timeout;           /* of one request to one server */
} DnsSettings;

/**
 * dns_settings_new() - prepare the settings; may read /etc/resolv.conf
 * @verification: of type dns01-dnsUpdate, of @config
 * @ret_why: on failure the reason in words, to release with free(). Must be NULL on entry; stays
 * NULL if -errno says it all
 *
 * 0 or -errno.
 */
int dns_settings_new(DnsPool *pool, Config *config, const Verification *verification,
                     char **ret_why, DnsSettings **ret);
/* Returns what to add to the error that a server answered to a query with this key (NULL: it was
 * not signed): that a signature was possible. "": nothing. */
const char *dns_settings_words(const DnsSettings *settings, const TsigKey *query_key);

DnsSettings *dns_settings_ref(DnsSettings *settings);
DnsSettings *dns_settings_unref(DnsSettings *settings); /* NULL is fine; always returns NULL */

DEFINE_CLEANUP_FUNC(DnsSettings *, dns_settings_unref)
