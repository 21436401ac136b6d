/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* All orders in progress. Requests with the same CSR share one order. Orders for the same set of
 * names run one after the other. */

#include "base/clock.h"
#include "orders/order.h"

/* Callers that wait for one order. */
#define ORDERS_WAITERS_MAX 256U

typedef struct Orders Orders;
typedef struct OrdersWaiter OrdersWaiter;

/* Called with either a chain or a failure; the other is NULL. */
typedef void (*orders_cb)(const Chain *chain, const Failure *failure, void *userdata);

/* Called for each certificate that an order stored. @key: storage_key() of its request. */
typedef void (*orders_stored_cb)(const Storage *storage, const char *key, const Renewal *renewal,
                                 void *userdata);

/* @solvers: borrowed. 0 or -errno. */
int orders_new(sd_event *event, const Solvers *solvers, Orders **ret);
Orders *
orders_free(Orders *orders); /* frees all orders without calling back; always returns NULL */

/* Resumes the orders that are on disk and not in progress. An order that cannot be resumed is
 * logged, and removed if it never can be; see orders_are_known() for the others. */
void orders_resume(Orders *orders, Config *config);

/* Asks the CAs whether they offer the profiles of the configuration. Missing ones are logged when
 * the answer comes. */
void orders_check_profiles(Orders *orders, Config *config);

/* A call that waits for its order, and how it is told. */
typedef struct OrdersCall {
    OrderCaller caller;
    orders_cb callback;
    void *userdata;
} OrdersCall;

/**
 * orders_request() - join the order of this CSR, or begin it
 * @config: the one that the request's auth block is of
 * @request: parsed and permitted; an order that is begun takes its CSR over and copies its body
 * @ret: borrowed, to stop waiting; invalid once the callback is called. An order that
 *       has begun continues even if no waiter is left.
 *
 * The callback comes once, from the event loop. Returns 0; -EBUSY: there is no room for one more
 * order, and @failure says why (limits/crowd.h); -EUSERS: ORDERS_WAITERS_MAX wait for this order;
 * other -errno.
 */
int orders_request(Orders *orders, Config *config, SignRequest *request, const OrdersCall *call,
                   OrdersWaiter **ret, Failure *failure);

/* For a call that ended. Drops an order that has not begun when its last caller leaves. Otherwise a
 * client could use up the room with abandoned calls. NULL is fine; always returns NULL. */
OrdersWaiter *orders_waiter_cancel(OrdersWaiter *waiter);

/* Whether an order in progress is for this name, or may be. @name: without "*.". */
bool orders_have_name(const Orders *orders, const char *name);

Accounts *orders_accounts(Orders *orders); /* of all orders; borrowed */

/* False: an order may be on disk that is not in progress, because orders_resume() was not called or
 * could not read it. Its challenges must stay: the next orders_resume() may find it. */
bool orders_are_known(const Orders *orders);

size_t orders_in_flight(const Orders *orders);

/* Called whenever the number of orders in progress has changed. NULL at first. */
void orders_set_change_callback(Orders *orders, void (*callback)(void *userdata), void *userdata);

void orders_set_stored_callback(Orders *orders, orders_stored_cb callback, void *userdata);

DEFINE_CLEANUP_FUNC(Orders *, orders_free)
