/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One certificate ordered for one CSR (RFC 8555 §7.4): from newOrder to the checked and stored
 * chain. */

#include "account.h"
#include "chain.h"
#include "config.h"
#include "failure.h"
#include "log-fields.h"
#include "storage.h"

#define ORDER_TIMEOUT (90 * USEC_PER_SEC)

#define ORDER_ASKERS_NAMED 64U

typedef struct Order Order;

/* Where an order's certificate is to go and how it is validated. */
typedef struct OrderTarget {
    Config *config;
    const AuthBlock *auth; /* of the config */
} OrderTarget;

/* A request that waits for an order: what the journal says of it. */
typedef struct OrderAsker {
    const char *request_id;
    const char *client; /* NULL: not known */
} OrderAsker;

/* Called once: a chain or a failure. Frees the order. */
typedef void (*order_cb)(Order *order, const Chain *chain, const Failure *failure, void *userdata);

/**
 * order_new() - describe an order; nothing happens yet
 * @body: request body, the cache's key is made of it
 * @csr: its parsed form; taken over on success
 * @challenge_fd: as authorization_start()
 */
int order_new(sd_event *event, const OrderTarget *target, int challenge_fd, const void *body,
              size_t size, Csr **csr, Order **ret);
Order *order_free(Order *order); /* always returns NULL */

/* Goes to work, from the event loop. Ends within ORDER_TIMEOUT. */
int order_start(Order *order, Account *account, order_cb callback, void *userdata);

/* All entries about the order carry the asker's request id and address from here on; past
 * ORDER_ASKERS_NAMED, which leaves room for the other fields, nothing is added. */
void order_add_asker(Order *order, const OrderAsker *asker);
LogFields *order_log_fields(Order *order); /* what its entries carry; borrowed */

const char *order_key(const Order *order); /* storage_key() of the body */

/* When the certificate that was stored is due for renewal, seconds since 1970; 0: none was stored.
 */
time_t order_renewal(const Order *order);
const char *
order_names(const Order *order); /* sorted, one blank between: what two orders collide by */

DEFINE_CLEANUP_FUNC(Order *, order_free)
