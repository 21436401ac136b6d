/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Asks servers to remove a TXT record, all of them at once: one that is out of order keeps no other
 * waiting. */

#include "dns/settings.h"

typedef struct DnsRemoval DnsRemoval;

/* Borrowed, valid while the callback runs. Who is in neither list may have it still. */
typedef struct DnsRemovalOutcome {
    const DnsServers *granted; /* they do not have it any more */
    const DnsServers *refused; /* they have said that they will not */
    const char *trouble;       /* what those said that have not granted it; "": all have */
} DnsRemovalOutcome;

typedef void (*dns_removal_cb)(const DnsRemovalOutcome *outcome, void *userdata);

/* @settings, @text: borrowed until the callback, which comes once, from the event loop,
 * unless cancelled. 0; -errno: nobody could be asked. */
int dns_removal_start(const DnsSettings *settings, const DnsText *text, const DnsServers *holders,
                      dns_removal_cb callback, void *userdata, DnsRemoval **ret);
DnsRemoval *dns_removal_cancel(DnsRemoval *removal); /* NULL is fine; always returns NULL */
