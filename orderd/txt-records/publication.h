/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Publish the TXT record of a challenge: look up where it belongs, add it to DNS, and wait until
 * all servers of its zone have it. */

#include "config/config.h"
#include "libacme/failure.h"
#include "txt-records/txt-record.h"

typedef struct DnsPublication DnsPublication;

/* @failure NULL: the record is visible on all name servers of its zone. Else: it could not be
 * published. Called once, from the event loop, unless it was withdrawn. The caller must still
 * withdraw it, and may do so in the callback. */
typedef void (*dns_publication_cb)(const Failure *failure, void *userdata);

/* Borrowed for the call; a reference to the config is taken. */
typedef struct DnsPublicationRequest {
    Config *config;
    const Verification *verification; /* of type dns01-dnsUpdate, of the config */
    const char *name;                 /* of the authorization */
    const char *owner;                /* where the CA looks: _acme-challenge.NAME */
    const char *value;                /* of the record; may be published more than once */
} DnsPublicationRequest;

/* Starts to publish a record. 0; -errno: the error is logged. */
int dns_publication_start(TxtRecords *records, const DnsPublicationRequest *request,
                          dns_publication_cb callback, void *userdata, DnsPublication **ret);

/* Returns the owner of the record, at the end of all aliases; NULL: not known yet. Borrowed. */
const char *dns_publication_owner(const DnsPublication *publication);

/* Returns the servers that do not have the record yet: "ns2.example.org (192.0.2.54): no answer
 * yet". NULL: none, or it waits for something else. Borrowed until the next call. */
const char *dns_publication_lag(const DnsPublication *publication);

/* Frees the publication. The record is removed from DNS in the background, unless another claim
 * needs it. NULL is fine. */
void dns_publication_withdraw(DnsPublication *publication);

static inline void dns_publication_withdrawp(DnsPublication **publication)
{
    dns_publication_withdraw(*publication);
}
