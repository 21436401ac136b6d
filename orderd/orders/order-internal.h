/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the files of an order share: order.c has its states, order-place.c what is before the CA has
 * it, order-finish.c what is after its names are valid, order-trouble.c what goes wrong. */

#include "accounts/account-choice.h"
#include "libacme/transport/polling.h"
#include "limits/order-context.h"
#include "orders/authorizations.h"
#include "orders/chain-fetch.h"
#include "orders/order.h"

struct Order {
    sd_event *event;
    const Solvers *solvers;
    OrderSubject subject;
    OrderRecord record; /* as on disk, but while .is_unsaved */
    bool is_unsaved;
    bool is_resumed;                        /* from the disk, and the CA was not asked for it yet */
    bool is_moved;                          /* to another account, or another key of it */
    bool is_replacing, is_replaces_refused; /* see replaced() in order-place.c */
    bool is_charged; /* to its client: it may ask more than one CA, and again after a restart */

    AccountChoice choice;
    AccountWaiter *account_waiter;
    bool finalize_taken; /* the CA has the CSR */
    bool is_early;       /* it has not said that the order is ready for it */
    Renewal renewal;     /* of what was stored; .not_after 0: nothing was */
    Failure trouble;     /* why it goes on later only; .status 0: it goes on */
    usec_t trouble_since;
    Authorizations *authorizations;
    Failure end; /* why the CA ended the order, while its authorizations are asked for more */
    SessionCall *call;
    ChainFetch *chain_fetch;
    sd_event_source *timer; /* start, then polls and pauses */
    Poll poll;
    Backoff backoff;
    order_cb callback;
    order_trouble_cb on_trouble;
    void *userdata;
};

OrderContext order_context(const Order *order); /* borrowed from the order */
Session *order_session(const Order *order);

void order_drop_authorizations(Order *order); /* with the answers to its challenges */

/* Begins from newOrder on, with the account at hand. */
void order_begin_anew(Order *order);

/* What follows may end the order: nothing touches it afterwards, unless it says whether it has. */

/* Goes on from what the CA answered to a request for the order's object; a session_cb. */
void order_on_object(const SessionReply *reply, void *userdata);

void order_post(Order *order, const SessionRequest *request, session_cb callback);
void order_fetch(Order *order);                  /* its object */
void order_schedule(Order *order, usec_t delay); /* goes on after so long */

/* order-place.c: before the account is seen to, for which the CA may be asked too; false: the order
 * has ended. Then it is placed. */
bool order_may_begin(Order *order);
void order_place(Order *order);

/* order-finish.c: sends the CSR; @is_early: the CA has not said that the order is ready for it.
 * Fetches and stores the certificate that is at @url. */
void order_finalize(Order *order, bool is_early);
void order_fetch_chain(Order *order, const char *url);

/* order-trouble.c. Failures are taken over. */

/* Writes down what comes next. False: it must not be done, since nobody would know of it; the order
 * has ended or waits until the disk is mended. */
bool order_save(Order *order);

/* Ends it, or begins anew with another account: before the CA knows of an order there is nothing to
 * lose, and another CA may do it. */
void order_give_up(Order *order, Failure *failure);

/* Goes on later: the CA has the order, or may have made a certificate of it, and what goes wrong
 * now and may be right later ends nothing. */
void order_pause(Order *order, Failure *failure);

void order_end_or_pause(Order *order, Failure *failure); /* as the failure is */

bool order_is_expired(const Order *order);
void order_fail_expired(Order *order);
void order_fail_memory(Order *order);
void order_fail_request(Order *order, int error); /* which cannot be made */
void order_fail(Order *order, LogEvent event, int status, unsigned retry_after, const char *why);

/* What the CA said makes no sense: it may do the next time. */
void order_fail_ca(Order *order, unsigned retry_after, const char *why);

/* As failure_set_reply(). */
void order_fail_reply(Order *order, const SessionReply *reply, const char *doing);
