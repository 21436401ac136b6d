/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* TXT records that are in DNS while somebody claims them, and go when nobody does any more. What is
 * put there is on disk first, with the servers that may have it. */

#include "dns/holders.h"

typedef struct TxtRecords TxtRecords; /* all there are */
typedef struct DnsClaim DnsClaim;     /* one of maybe several to the same record */

/* Called once, from the event loop, unless the claim was released: it is in DNS (@trouble NULL), or
 * what the servers said to that. Borrowed. -errno where it is our own trouble, which is logged. The
 * claim is still to be released. */
typedef void (*dns_claim_cb)(const char *trouble, int error, void *userdata);

int txt_records_new(sd_event *event, TxtRecords **ret);
/* Nothing is removed from DNS any more: the next start does it. Always returns NULL. */
TxtRecords *txt_records_free(TxtRecords *records);

/* For realms. Borrowed. */
DnsPool *txt_records_pool(TxtRecords *records);

/* Claims a record in DNS. @target: copied, with a reference to its settings. 0 or -errno. */
int dns_claim_new(TxtRecords *records, const TxtTarget *target, dns_claim_cb callback,
                  void *userdata, DnsClaim **ret);

/* After the last one the record is removed, in the background, for as long as it takes. NULL is
 * fine; always returns NULL. */
DnsClaim *dns_claim_release(DnsClaim *claim);

/**
 * txt_records_sweep() - remove from DNS what is on disk and nobody's: of a former life, or given
 * up
 * @is_needed: whether an order for this name is in flight: it may still be looked at by the CA
 * @again: only what was needed the last time
 *
 * What goes wrong is logged, here or later. True: all that was looked at is being seen to; false:
 * some of it is needed.
 */
bool txt_records_sweep(TxtRecords *records, Config *config,
                       bool (*is_needed)(const char *name, void *userdata), void *userdata,
                       bool again);

DEFINE_CLEANUP_FUNC(TxtRecords *, txt_records_free)
