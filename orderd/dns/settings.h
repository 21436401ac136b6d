/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What a verification block says of DNS, made ready for use: whom to ask, and with which key. */

#include "config/config.h"
#include "dns/exchange.h"

typedef struct DnsSettings {
    unsigned n_ref;
    DnsPool *pool;  /* borrowed */
    Config *config; /* a reference */
    const Verification *verification;
    DnsServers servers;   /* that are updated, in this order */
    DnsServers resolvers; /* for lookups */
    const TsigKey *key;   /* NULL: updates are not signed */
    usec_t timeout;       /* of one question to one server */
} DnsSettings;

/**
 * dns_settings_new() - read what is needed: /etc/resolv.conf
 * @verification: of type dns01-dnsUpdate, of @config
 * @ret_why: what is wrong where that cannot be, in words; free(). NULL on entry, and stays so where
 * -errno says it all
 *
 * 0 or -errno.
 */
int dns_settings_new(DnsPool *pool, Config *config, const Verification *verification,
                     char **ret_why, DnsSettings **ret);
DnsSettings *dns_settings_ref(DnsSettings *settings);
DnsSettings *dns_settings_unref(DnsSettings *settings); /* NULL is fine; always returns NULL */

DEFINE_CLEANUP_FUNC(DnsSettings *, dns_settings_unref)
