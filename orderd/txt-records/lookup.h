/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Find where the TXT record of a dns-01 challenge belongs (RFC 8555 §8.4): the name at the end of
 * all aliases, and its zone. */

#include "dns/settings.h"

typedef struct DnsLookup DnsLookup;

/* @trouble: why it was not found, in words; NULL: @owner and @zone are set. All borrowed. */
typedef void (*dns_lookup_cb)(const char *owner, const char *zone, const char *trouble,
                              void *userdata);

/**
 * dns_lookup_find() - find owner and zone of the record that the CA looks up
 * @settings: borrowed until the callback
 * @owner: where the CA looks: _acme-challenge.NAME
 *
 * Asks for aliases at the resolvers that the block names, because the CA sees what they see.
 * Without such resolvers it asks the servers that are updated, and the system's resolvers for names
 * outside of their zones. Asks the servers for the zone, upwards from the name, unless the block
 * names it. If the block has alias-zone, aliases must end in one of these zones or in the zone of
 * the name itself.
 *
 * The callback comes once, from the event loop, unless cancelled. 0 or -errno.
 */
int dns_lookup_find(const DnsSettings *settings, const char *owner, dns_lookup_cb callback,
                    void *userdata, DnsLookup **ret);
DnsLookup *dns_lookup_cancel(DnsLookup *lookup); /* NULL is fine; always returns NULL */
