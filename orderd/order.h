/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One certificate ordered for one CSR (RFC 8555 §7.4): from newOrder to the checked and stored
 * chain. */

#include "accounts.h"
#include "chain.h"
#include "config.h"
#include "failure.h"
#include "log-fields.h"
#include "order-record.h"
#include "renewal.h"
#include "solver.h"

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
    bool is_prefetch;   /* no client asks */
} OrderAsker;

/* Called once: a chain or a failure. Frees the order. */
typedef void (*order_cb)(Order *order, const Chain *chain, const Failure *failure, void *userdata);

/* Called when the order is in trouble that may pass: it goes on later. */
typedef void (*order_trouble_cb)(Order *order, const Failure *failure, void *userdata);

/**
 * order_new() - describe an order; nothing happens yet
 * @asker: the first
 * @body: request body, the cache's key is made of it
 * @csr: its parsed form; taken over on success
 * @solvers: borrowed, as for AuthorizationTask
 */
int order_new(sd_event *event, const OrderTarget *target, const Solvers *solvers,
              const OrderAsker *asker, const void *body, size_t size, Csr **csr, Order **ret);

/* The same of what is on disk: @record and @csr, its parsed body, are taken over. */
int order_resume(sd_event *event, const OrderTarget *target, const Solvers *solvers,
                 OrderRecord *record, Csr **csr, Order **ret);

Order *order_free(Order *order); /* always returns NULL; what is on disk stays */

/* Goes to work, from the event loop. @accounts: borrowed. Ends with a certificate, with a failure,
 * or when the CA drops the order, be it after days: who waits has deadlines of his own. */
int order_start(Order *order, Accounts *accounts, order_cb callback, order_trouble_cb on_trouble,
                void *userdata);

/* Why the order goes on later only; borrowed, NULL: it goes on. */
const Failure *order_trouble(const Order *order);

/* Whether what is on disk of an order that ended is the only place that its chain is kept in, by
 * its storage's nature and not for want of something better. */
bool order_is_kept_nowhere_else(const Order *order);

/* Removes what is on disk of it. What goes wrong is logged. */
void order_forget(const char *state_directory, const char *key);

/* All entries about the order carry the asker's request id and address from here on; past
 * ORDER_ASKERS_NAMED, which leaves room for the other fields, nothing is added. */
void order_add_asker(Order *order, const OrderAsker *asker);
LogFields *order_log_fields(Order *order); /* what its entries carry; borrowed */

const char *order_key(const Order *order); /* storage_key() of the body */

/* Where its certificate is kept, and when the one that was stored is renewed; borrowed, the latter
 * NULL where none was. */
const Storage *order_storage(const Order *order);
const Renewal *order_renewal(const Order *order);
const char *
order_names(const Order *order); /* sorted, one blank between: what two orders collide by */

/* Sets what an order without trouble is waiting for, where it is not the CA. False: it is. */
bool order_set_waiting(const Order *order, Failure *ret);

/* "*." is not part of it. */
bool order_has_name(const Order *order, const char *name);

DEFINE_CLEANUP_FUNC(Order *, order_free)
