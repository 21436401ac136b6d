/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Removes a TXT record from every server that may have it, for as long as it takes. */

#include "dns-realm.h"

typedef struct DnsRemoval DnsRemoval;

/* Called once. @trouble: what those said that may still have it, when it is given up; NULL: nobody
 * has it any more. Frees the removal. */
typedef void (*dns_removal_cb)(const char *trouble, void *userdata);

/**
 * dns_removal_start() - have a record removed
 * @realm, @text: borrowed until the callback
 * @holders: of the realm's servers, those that may have it
 *
 * It is over when each of them has removed it, or one has and the others, which would not have
 * taken it either, refuse. Until then it is tried again, for a quarter of an hour; the journal gets
 * the first trouble. The callback comes once, from the event loop, unless cancelled. 0 or -errno.
 */
int dns_removal_start(sd_event *event, const DnsRealm *realm, const DnsText *text,
                      DnsServerSet holders, dns_removal_cb callback, void *userdata,
                      DnsRemoval **ret);
DnsRemoval *dns_removal_cancel(DnsRemoval *removal); /* NULL is fine; always returns NULL */

/* Whether a server is asked just now: what is added meanwhile may be removed with it. */
bool dns_removal_is_under_way(const DnsRemoval *removal);

/* Those that may have it still, as far as is known; and more of them. */
DnsServerSet dns_removal_holders(const DnsRemoval *removal);
void dns_removal_add(DnsRemoval *removal, DnsServerSet holders);
