/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Where the answer to a dns-01 challenge belongs (RFC 8555 §8.4): which name, behind all aliases,
 * and which zone that is in. */

#include "dns/settings.h"

typedef struct DnsLookup DnsLookup;

/* @trouble: why it was not found, in words; else NULL. Borrowed, all of it. */
typedef void (*dns_lookup_cb)(const char *owner, const char *zone, const char *trouble,
                              void *userdata);

/**
 * dns_lookup_find() - look for the place of a name
 * @settings: borrowed until the callback
 * @name: whose authorization it is
 *
 * Aliases are looked up at the resolvers that the block names, as the CA sees them, or else at the
 * servers that are updated, and for what is in no zone of theirs at the system's resolvers; the
 * zone at the servers, upwards from the name, unless the block names it.
 *
 * The callback comes once, from the event loop, unless cancelled. 0 or -errno.
 */
int dns_lookup_find(const DnsSettings *settings, const char *name, dns_lookup_cb callback,
                    void *userdata, DnsLookup **ret);
DnsLookup *dns_lookup_cancel(DnsLookup *lookup); /* NULL is fine; always returns NULL */
