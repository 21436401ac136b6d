/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Asking the CA when a certificate of a cache is to be renewed, and keeping what it says. */

#include "accounts/accounts.h"
#include "renewals/inventory.h"

typedef struct RenewalQuery RenewalQuery;

/* Called once: when the certificate is renewed now, and when to ask again; NULL: it is not there
 * any more, or another one is. Frees the query. */
typedef void (*renewal_query_cb)(const Renewal *renewal, void *userdata);

/**
 * renewal_query_start() - ask about the certificate of one entry
 * @entry: borrowed, must outlive the query
 * @ret: to end it by; invalid from the callback on, which comes from the event loop
 *
 * Returns 1; 0 where there is nothing to ask: no certificate that lives, or none of a CA that the
 * configuration has an account at or that has such a thing; -errno.
 */
int renewal_query_start(Accounts *accounts, const InventoryRef *entry, renewal_query_cb callback,
                        void *userdata, RenewalQuery **ret);
RenewalQuery *renewal_query_free(RenewalQuery *query); /* always returns NULL */
