/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One TXT record of a challenge, from the search for its place until it is gone from DNS again.
 * What is put there is on disk first. */

#include <systemd/sd-event.h>

#include "config.h"
#include "failure.h"

typedef struct DnsPublications DnsPublications; /* all there are */
typedef struct DnsPublication DnsPublication;

/* Called once, from the event loop, unless it was withdrawn: it is to be seen at every server of
 * its zone (@failure NULL), or will not be. It is still to be withdrawn: that may be done right
 * here. */
typedef void (*dns_publication_cb)(const Failure *failure, void *userdata);

int dns_publications_new(sd_event *event, DnsPublications **ret);
/* Nothing is removed from DNS any more: the next start does it. Always returns NULL. */
DnsPublications *dns_publications_free(DnsPublications *all);

/**
 * dns_publication_start() - have a record put into DNS
 * @config: a reference is taken
 * @verification: of type dns01-dnsUpdate, of @config
 * @name: whose authorization it is
 * @value: of the record; the same one may be published more than once
 *
 * 0; -errno: what was wrong is logged.
 */
int dns_publication_start(DnsPublications *all, Config *config, const Verification *verification,
                          const char *name, const char *value, dns_publication_cb callback,
                          void *userdata, DnsPublication **ret);

/* The name that the record is at, behind all aliases; NULL: it is not known yet. Borrowed. */
const char *dns_publication_owner(const DnsPublication *publication);

/* The servers that do not have it yet: "ns2.example.org (192.0.2.54): timeout"; NULL: none, or it
 * is not there that it waits. Borrowed, until it is called again. */
const char *dns_publication_lag(const DnsPublication *publication);

/* Removes the record in the background, for as long as it takes: the publication is gone for the
 * caller. */
void dns_publication_withdraw(DnsPublication *publication);

/**
 * dns_publications_sweep() - remove from DNS what is on disk and nobody's: of a former life, or
 * given up
 * @is_needed: whether an order for this name is in flight: it may still be looked at by the CA
 *
 * What goes wrong is logged, here or later. True: all that is on disk is being seen to; false: some
 * of it is needed.
 */
bool dns_publications_sweep(DnsPublications *all, Config *config,
                            bool (*is_needed)(const char *name, void *userdata), void *userdata);

DEFINE_CLEANUP_FUNC(DnsPublications *, dns_publications_free)
