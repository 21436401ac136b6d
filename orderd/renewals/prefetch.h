/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Renewing a certificate of a cache before anybody asks for it: an order like any other, that a
 * request may join. */

#include "orders/orders.h"
#include "renewals/inventory.h"

#define PREFETCH_REQUEST_ID "prefetch" /* in the journal, in place of a request's id */

typedef struct Prefetch Prefetch;

/* Called once. @failure: why it is not renewed, or not yet; NULL: it is. Frees the prefetch. */
typedef void (*prefetch_cb)(const Failure *failure, void *userdata);

/**
 * prefetch_start() - order the certificate of one entry again
 * @entry: borrowed, must outlive the prefetch
 * @ret: to stop waiting for the order, which goes on; invalid from the callback on, which comes
 *       from the event loop
 *
 * Returns 1; 0 where it is not to be renewed: there is no certificate with its request, or no auth
 * block that allows it any more, which is logged; -errno.
 */
int prefetch_start(Orders *orders, const InventoryRef *entry, prefetch_cb callback, void *userdata,
                   Prefetch **ret);
Prefetch *prefetch_free(Prefetch *prefetch); /* always returns NULL */
