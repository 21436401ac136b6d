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

/* Borrowed for the call; a reference to the config is taken. */
typedef struct DnsPublicationRequest {
    Config *config;
    const Verification *verification; /* of type dns01-dnsUpdate, of the config */
    const char *name;                 /* whose authorization it is */
    const char *value; /* of the record; the same one may be published more than once */
} DnsPublicationRequest;

/* Has a record put into DNS. 0; -errno: what was wrong is logged. */
int dns_publication_start(TxtRecords *records, const DnsPublicationRequest *request,
                          dns_publication_cb callback, void *userdata, DnsPublication **ret);

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
