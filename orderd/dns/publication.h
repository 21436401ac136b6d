/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The TXT record of a challenge: the search for its place, the record in DNS, and the wait until
 * all servers of its zone have it. */

#include "config/config.h"
#include "dns/txt-record.h"
#include "libacme/failure.h"

typedef struct DnsPublication DnsPublication;

/* Called once, from the event loop, unless it was withdrawn: it is to be seen at every server of
 * its zone (@failure NULL), or will not be. It is still to be withdrawn: that may be done right
 * here. */
typedef void (*dns_publication_cb)(const Failure *failure, void *userdata);

/**
 * dns_publication_start() - have a record put into DNS
 * @config: a reference is taken
 * @verification: of type dns01-dnsUpdate, of @config
 * @name: whose authorization it is
 * @value: of the record; the same one may be published more than once
 *
 * 0; -errno: what was wrong is logged.
 */
int dns_publication_start(TxtRecords *presences, Config *config, const Verification *verification,
                          const char *name, const char *value, dns_publication_cb callback,
                          void *userdata, DnsPublication **ret);

/* The name that the record is at, behind all aliases; NULL: it is not known yet. Borrowed. */
const char *dns_publication_owner(const DnsPublication *publication);

/* The servers that do not have it yet: "ns2.example.org (192.0.2.54): timeout"; NULL: none, or it
 * is not there that it waits. Borrowed, until it is called again. */
const char *dns_publication_lag(const DnsPublication *publication);

/* Frees it. What is in DNS goes in the background, unless somebody else claims it. NULL is fine. */
void dns_publication_withdraw(DnsPublication *publication);

static inline void dns_publication_withdrawp(DnsPublication **publication)
{
    dns_publication_withdraw(*publication);
}
