/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Asks the CA when it wants a cached certificate to be renewed (RFC 9773), and stores the answer.
 */

#include "accounts/accounts.h"
#include "renewals/inventory.h"

typedef struct RenewalQuery RenewalQuery;

/* Called once, with the new renewal times and the time of the next query; NULL: the certificate was
 * removed or replaced meanwhile. The query is freed afterwards. */
typedef void (*renewal_query_cb)(const Renewal *renewal, void *userdata);

/**
 * renewal_query_start() - ask about the certificate of one entry
 * @entry: borrowed, must outlive the query
 * @ret: cancels it; invalid from the callback on, which comes from the event loop
 *
 * Returns 1; 0 if there is nothing to ask: no valid certificate, no account at its CA in the
 * configuration, or a CA without renewal information; -errno.
 */
int renewal_query_start(Accounts *accounts, const InventoryRef *entry, renewal_query_cb callback,
                        void *userdata, RenewalQuery **ret);
RenewalQuery *renewal_query_free(RenewalQuery *query); /* always returns NULL */
