/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Renews a cached certificate ahead of a request: an ordinary order, which requests can join. */

#include "orders/orders.h"
#include "renewals/inventory.h"

#define PREFETCH_REQUEST_ID "prefetch" /* stands for the request id in the journal */

typedef struct Prefetch Prefetch;

/* Called once. @failure: why the certificate is not renewed, or not yet; NULL: it is renewed. The
 * prefetch is freed afterwards. */
typedef void (*prefetch_cb)(const Failure *failure, void *userdata);

/**
 * prefetch_start() - order the certificate of one entry again
 * @entry: borrowed, must outlive the prefetch
 * @ret: free it to stop waiting; the order continues. Invalid once the callback was called, from
 *       the event loop
 *
 * Returns 1; 0 if it is not renewed: the entry lacks a certificate or its request, or no auth block
 * permits it any more, which is logged; -EBUSY: there is no room for one more order, and @failure
 * says why; other -errno.
 */
int prefetch_start(Orders *orders, const InventoryRef *entry, prefetch_cb callback, void *userdata,
                   Prefetch **ret, Failure *failure);
Prefetch *prefetch_free(Prefetch *prefetch); /* always returns NULL */
