/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Renewing a certificate of a cache before anybody asks for it: an order like any other, that a
 * request may join. */

#include "orders/orders.h"

#define PREFETCH_REQUEST_ID "prefetch" /* in the journal, in place of a request's id */

typedef struct Prefetch Prefetch;

/* Called once. @failure: why it is not renewed, or not yet; NULL: it is. Frees the prefetch. */
typedef void (*prefetch_cb)(const Failure *failure, void *userdata);

/**
 * prefetch_start() - have the certificate of one entry ordered anew
 * @storage: of @config
 * @ret: to end it by, though not the order; invalid from the callback on, which comes from the
 * event loop
 *
 * Returns 1; 0 where it is not to be renewed: there is no certificate with its request, or no auth
 * block that allows it any more, which is logged; -errno.
 */
int prefetch_start(Orders *orders, Config *config, const Storage *storage, const char *key,
                   prefetch_cb callback, void *userdata, Prefetch **ret);
Prefetch *prefetch_free(Prefetch *prefetch); /* always returns NULL */
