/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One certificate ordered for one CSR (RFC 8555 §7.4): from newOrder to the checked and stored
 * chain. */

#include "accounts/accounts.h"
#include "challenges/solver.h"
#include "orders/order-subject.h"
#include "policy/refusals.h"
#include "statedir/order-record.h"
#include "statedir/storage/renewal.h"

/* All borrowed; a reference to the config is kept, and the solvers must outlive the order. */
typedef struct OrderSetup {
    sd_event *event;
    const Solvers *solvers;
    Config *config;
    Refusals *refusals; /* limits the entries of orders that are held back; NULL: does not */
} OrderSetup;

/**
 * order_new() - describe an order; order_start() begins it
 * @request: parsed and permitted; its CSR is taken over on success, its body is copied
 * @caller: the first one
 *
 * Returns 0 or -errno.
 */
int order_new(const OrderSetup *setup, SignRequest *request, const OrderCaller *caller,
              Order **ret);

/* Describes an order that is on disk. @record is taken over, like the CSR of @request, which was
 * made from the record's body. Returns 0 or -errno. */
int order_resume(const OrderSetup *setup, SignRequest *request, OrderRecord *record, Order **ret);

Order *order_free(Order *order); /* always returns NULL; the file on disk stays */

/* Begins the order, from the event loop. @accounts: borrowed. The order ends with a certificate,
 * with a failure, or when the CA drops it, which may take days: callers need their own deadline.
 * Returns 0 or -errno. */
int order_start(Order *order, Accounts *accounts, order_cb callback, order_trouble_cb on_trouble,
                void *userdata);

/* Why the order is paused; borrowed. NULL: it is not. */
const Failure *order_trouble(const Order *order);

/* The time until a paused order continues, s: at least 1, which is also the time while it asks the
 * CA again. */
unsigned order_pause_left(const Order *order);

/* Whether the chain of an order that has ended is only in the order's file because its storage is
 * of type none, and not because a write failed. */
bool order_is_kept_nowhere_else(const Order *order);

/* Ends an order whose file was removed by another program. Does nothing if the file exists, or
 * never existed. The order may end. */
void order_note_removed(Order *order);

/* Adds one more caller: see order_subject_add_client(). */
void order_add_caller(Order *order, const OrderCaller *caller);

OrderSubject *order_subject(Order *order); /* borrowed */

/* When the stored certificate is due for renewal; borrowed. NULL: none was stored. */
const Renewal *order_renewal(const Order *order);

/* How long a client should wait before it asks for the order's certificate again, s. */
unsigned order_retry_after(const Order *order);

/* Sets what an order that is not paused waits for. False: it waits for the CA. */
bool order_set_waiting(const Order *order, Failure *ret);

DEFINE_CLEANUP_FUNC(Order *, order_free)
