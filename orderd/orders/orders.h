/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* All orders in flight: the same CSR is one order, CSRs for the same set of names run one after the
 * other. */

#include "base/clock.h"
#include "orders/order.h"

#define ORDERS_MAX 4096U

typedef struct Orders Orders;
typedef struct OrdersWaiter OrdersWaiter;

/* One of both is NULL. */
typedef void (*orders_cb)(const Chain *chain, const Failure *failure, void *userdata);

/* Called for each certificate that an order stored. @key: storage_key() of its request. */
typedef void (*orders_stored_cb)(const Storage *storage, const char *key, const Renewal *renewal,
                                 void *userdata);

/* @solvers: borrowed. 0 or -errno. */
int orders_new(sd_event *event, const Solvers *solvers, Orders **ret);
Orders *orders_free(Orders *orders); /* ends all without a word; always returns NULL */

/* How long a caller waits, at the most, before it is told why there is no certificate yet. The
 * order goes on. */
#define ORDERS_WAIT_MAX (90 * USEC_PER_SEC)

/* Takes up the orders that are on disk. What cannot be taken up is logged, and ended where it never
 * can be. */
void orders_resume(Orders *orders, Config *config);

/* Asks the CA whether it offers the profiles of the configuration; those that it does not are
 * logged when its answer is there. */
void orders_check_profiles(Orders *orders, Config *config);

/* Who waits for an order. */
typedef struct OrdersCall {
    OrderCaller caller;
    orders_cb callback;
    void *userdata;
} OrdersCall;

/**
 * orders_request() - join the order of this CSR, or begin it
 * @config: the one that the request's auth block is of
 * @request: parsed and permitted; an order that is begun takes its CSR over and copies its body
 * @ret: borrowed, to stop waiting; invalid once the callback is called. The order continues even if
 *       no waiter is left.
 *
 * The callback comes once, from the event loop. Returns 0; -EBUSY with ORDERS_MAX in flight; other
 * -errno.
 */
int orders_request(Orders *orders, Config *config, SignRequest *request, const OrdersCall *call,
                   OrdersWaiter **ret);
OrdersWaiter *orders_waiter_cancel(OrdersWaiter *waiter); /* NULL is fine; always returns NULL */

/* Whether one of them in flight is, or may be, for this name, "*." not among it. */
bool orders_have_name(const Orders *orders, const char *name);

Accounts *orders_accounts(Orders *orders); /* that they are made with; borrowed */

/* False: orders_resume() could not list the orders that are on disk. Their challenges must stay:
 * the next start may find them. */
bool orders_are_known(const Orders *orders);

size_t orders_in_flight(const Orders *orders);

/* Called whenever the number of orders in flight has changed; NULL at first. */
void orders_set_change_callback(Orders *orders, void (*callback)(void *userdata), void *userdata);

void orders_set_stored_callback(Orders *orders, orders_stored_cb callback, void *userdata);

DEFINE_CLEANUP_FUNC(Orders *, orders_free)
