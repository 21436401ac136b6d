/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* TXT records that stay in DNS as long as they have a claim. Each is saved to disk, with the
 * servers that may have it, before it is added. */

#include "txt-records/holders.h"

typedef struct TxtRecords TxtRecords; /* all of them */
typedef struct DnsClaim DnsClaim;     /* one of several claims to a record */

/* @trouble NULL: the record is in DNS; else the errors of the servers, borrowed. @error: 0, or
 * -errno for an error on this machine. Called once, from the event loop, unless the claim was
 * released. The caller must still release the claim. */
typedef void (*dns_claim_cb)(const char *trouble, int error, void *userdata);

int txt_records_new(sd_event *event, TxtRecords **ret);
/* Removes nothing from DNS: the next start does. Always returns NULL. */
TxtRecords *txt_records_free(TxtRecords *records);

/* Returns the pool for dns_settings_new(). Borrowed. */
DnsPool *txt_records_pool(TxtRecords *records);

/* Claims a record: adds it to DNS unless it is there. @target: copied, with a reference to its
 * settings. 0 or -errno. */
int dns_claim_new(TxtRecords *records, const TxtTarget *target, dns_claim_cb callback,
                  void *userdata, DnsClaim **ret);

/* Releases a claim. After the last one the record is removed in the background. NULL is fine;
 * always returns NULL. */
DnsClaim *dns_claim_release(DnsClaim *claim);

/**
 * txt_records_sweep() - remove records that are on disk and not claimed
 * @is_needed: whether an order for this name is in progress, so that the CA may still look for the
 * record
 * @again: only look at records that were needed the last time
 *
 * These records are from an earlier process, or their removal was given up. Errors are logged, now
 * or later. Returns false if some records are still needed, else true.
 */
bool txt_records_sweep(TxtRecords *records, Config *config,
                       bool (*is_needed)(const char *name, void *userdata), void *userdata,
                       bool again);

DEFINE_CLEANUP_FUNC(TxtRecords *, txt_records_free)
