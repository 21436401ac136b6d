/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The DNS servers that have a TXT record of ours: in memory, on disk, and asked to remove it. */

#include "dns/settings.h"
#include "statedir/dns-record.h"

/* A record that is wanted in DNS, or was. */
typedef struct TxtTarget {
    DnsSettings *settings; /* by which it is worked on */
    char *name;            /* whose authorization it is for */
    DnsText text;
} TxtTarget;

/* Empty when zeroed. */
typedef struct DnsHolders {
    DnsServers sure;   /* they have it */
    DnsServers unsure; /* they may have it */
    bool has_removed;  /* one of them did since it was added last */
} DnsHolders;

void dns_holders_done(DnsHolders *holders);

/* Whether no server has it, for all we know. */
bool dns_holders_is_empty(const DnsHolders *holders);

/* Adds the servers of both lists to another one. 0 or -ENOMEM. */
int dns_holders_list(const DnsHolders *holders, DnsServers *servers);

/* One has it for certain. 0 or -ENOMEM. */
int dns_holders_note_added(DnsHolders *holders, const DnsServer *server);

/* What is on disk of it: without the servers; they are for dns_holders_save() to fill in. */
DnsRecord txt_target_record(const TxtTarget *target);

/* Writes down the target with its holders, and others that may have it (NULL: none). 0; -errno,
 * which is logged. */
int dns_holders_save(const DnsHolders *holders, const TxtTarget *target, const DnsServers *others);

/* Takes over what is on disk; @servers: the block's, for a record that names none. 0 or -errno. */
int dns_holders_load(DnsHolders *holders, const DnsRecord *record, const DnsServers *servers);

typedef struct DnsRemoval DnsRemoval;

/* Borrowed, valid while the callback runs. Who is in neither list may have it still. */
typedef struct DnsRemovalOutcome {
    const DnsServers *granted; /* they do not have it any more */
    const DnsServers *refused; /* they have said that they will not */
    const char *trouble;       /* what those said that have not granted it; "": all have */
} DnsRemovalOutcome;

typedef void (*dns_removal_cb)(const DnsRemovalOutcome *outcome, void *userdata);

/**
 * dns_removal_start() - ask servers to remove the record, all of them at once
 * @target: borrowed until the callback
 *
 * One that is out of order keeps no other waiting. The callback comes once, from the event loop,
 * unless cancelled. 0; -errno: nobody could be asked.
 */
int dns_removal_start(const TxtTarget *target, const DnsServers *servers, dns_removal_cb callback,
                      void *userdata, DnsRemoval **ret);
DnsRemoval *dns_removal_cancel(DnsRemoval *removal); /* NULL is fine; always returns NULL */

/* Drops those that have removed it. Who may have it and refuses to remove it has refused to add it,
 * where another one did: it is dropped too. */
void dns_holders_note_removed(DnsHolders *holders, const DnsRemovalOutcome *outcome);
