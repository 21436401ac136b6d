/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The DNS servers that have a TXT record of ours: kept in memory and on disk, and asked to remove
 * it. */

#include "dns/settings.h"
#include "statedir/dns-record.h"

/* A TXT record that acmems adds to DNS or removes. */
typedef struct TxtTarget {
    DnsSettings *settings; /* how to reach its servers */
    char *name;            /* of the authorization */
    DnsText text;
} TxtTarget;

/* Empty when zeroed. */
typedef struct DnsHolders {
    DnsServers sure;   /* servers that have it */
    DnsServers unsure; /* servers that may have it */
    bool has_removed;  /* a server removed it since it was last added */
} DnsHolders;

void dns_holders_done(DnsHolders *holders);

/* Whether no server has it or may have it. */
bool dns_holders_is_empty(const DnsHolders *holders);

/* Adds the servers of both lists to @servers. 0 or -ENOMEM. */
int dns_holders_list(const DnsHolders *holders, DnsServers *servers);

/* Notes that a server has it. 0 or -ENOMEM. */
int dns_holders_note_added(DnsHolders *holders, const DnsServer *server);

/* Returns the target in the form of its file, without servers. Borrows from @target. */
DnsRecord txt_target_record(const TxtTarget *target);

/* Saves the target with its holders. @others: more servers that may have it; NULL: none. 0; -errno:
 * the error is logged. */
int dns_holders_save(const DnsHolders *holders, const TxtTarget *target, const DnsServers *others);

/* Loads the servers of a saved record. @servers: of the block, for a record that names none. 0 or
 * -errno. */
int dns_holders_load(DnsHolders *holders, const DnsRecord *record, const DnsServers *servers);

typedef struct DnsRemoval DnsRemoval;

/* Borrowed, valid while the callback runs. A server in neither list may still have the record. */
typedef struct DnsRemovalOutcome {
    const DnsServers *granted; /* they no longer have it */
    const DnsServers *refused; /* they refused to remove it */
    const char *trouble;       /* the errors of the others; "": there are none */
} DnsRemovalOutcome;

typedef void (*dns_removal_cb)(const DnsRemovalOutcome *outcome, void *userdata);

/**
 * dns_removal_start() - ask servers to remove the record
 * @target: borrowed until the callback
 *
 * All are asked at once, so that a broken server does not delay the others. The callback comes
 * once, from the event loop, unless cancelled. 0; -errno: no server could be asked.
 */
int dns_removal_start(const TxtTarget *target, const DnsServers *servers, dns_removal_cb callback,
                      void *userdata, DnsRemoval **ret);
DnsRemoval *dns_removal_cancel(DnsRemoval *removal); /* NULL is fine; always returns NULL */

/* Drops the servers that removed it. If one did, also drops a server that may have it but refused
 * to remove it: that server has refused to add it, too. */
void dns_holders_note_removed(DnsHolders *holders, const DnsRemovalOutcome *outcome);
