/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The order as its own files see it, and the functions that they share: requests to the CA, the
 * timer, pauses, and the end. order-place.c and order-finish.c stand above this one, order.c above
 * all of them. */

#include "accounts/account-choice.h"
#include "authorizations/authorizations.h"
#include "libacme/transport/polling.h"
#include "limits/order-context.h"
#include "orders/chain-fetch.h"
#include "orders/order-subject.h"
#include "policy/refusals.h"
#include "statedir/order-record.h"
#include "statedir/storage/renewal.h"

struct Order {
    sd_event *event;
    const Solvers *solvers;
    Refusals *refusals;
    session_cb on_object; /* handles the CA's answer with the order object; set by order.c */
    OrderSubject subject;
    OrderRecord record; /* the file on disk has the same content, unless .is_unsaved */
    bool is_unsaved;
    bool has_file;   /* a record was written, or read */
    bool is_resumed; /* it was read from disk, and the CA has not shown it since */
    bool is_moved;   /* to another account, or the account has another key */
    char *replaces;  /* the certificate that newOrder named, see replaced() in order-place.c */
    bool expects_exemption; /* the CA will probably count the order for none of its limits */
    bool is_replaces_refused;
    bool is_renewal; /* the cache has a certificate for the request */
    bool is_charged; /* counted against its client: once, with any number of CAs and restarts */

    AccountChoice choice;
    AccountWaiter *account_waiter;
    bool finalize_taken; /* the CA has the CSR */
    bool is_early;       /* the CSR was sent before the CA reported the order as ready */
    Renewal renewal;     /* of the stored certificate; .not_after 0: none was stored */
    Failure trouble;     /* why the order is paused; .status 0: it is not */
    usec_t trouble_since;
    Authorizations *authorizations;
    Failure end; /* why the CA ended the order, while its authorizations are asked for details */
    SessionCall *call;
    ChainFetch *chain_fetch;
    const char *chain_told; /* why the last chain could not be used, see ChainWish */
    sd_event_source *timer; /* for the start, then for polls and pauses */
    Poll poll;
    usec_t waits_since; /* .record.waits_since by the monotonic clock; 0: it does not wait */
    Demand demand;
    Backoff backoff;
    order_cb callback;
    order_trouble_cb on_trouble;
    void *userdata;
};

OrderContext order_context(const Order *order); /* borrows from the order */
Session *order_session(const Order *order);

/* Frees the authorizations; the answers to their challenges are withdrawn. */
void order_drop_authorizations(Order *order);

/* Every function below may end the order, and then the order is freed. Those that return bool
 * return false in that case, and the caller must not touch the order again. To call one of the
 * others is the last thing that a caller does with the order. Failures are taken over. */

/* Posts to the CA. */
void order_post(Order *order, const SessionRequest *request, session_cb callback);

/* Fetches the order object. .on_object gets the answer. */
void order_fetch(Order *order);

/* Continues after @delay (µs). Ends the order if the timer cannot be armed. */
bool order_schedule(Order *order, usec_t delay);

/* Starts again with newOrder, at the current account. */
void order_begin_again(Order *order);

/* Writes the next step down. False: the step must not be made, as no file would show it. The order
 * has ended, or is paused until the disk can be written. */
bool order_save(Order *order) _warn_unused_;

/* Ends the order, or starts again with the block's next account if the CA does not have the order
 * yet: nothing is lost then, and another CA may issue the certificate. */
void order_give_up(Order *order, Failure *failure);

/* Continues later. For an order that the CA has, perhaps with a certificate already, and trouble
 * that may pass. */
void order_pause(Order *order, Failure *failure);

/* Gives up or pauses, as the failure demands. */
void order_end_or_pause(Order *order, Failure *failure);

/* Whether the key of the CSR is not known as compromised. It can become so at any time. False: the
 * order has ended, or is paused until that can be found out. */
bool order_key_is_good(Order *order) _warn_unused_;

/* When the order ends if it still waits for the CA: it expires, or order-timeout is over. Begins to
 * count when the order is placed and when it is finalized, over restarts of acmems-orderd, too.
 * Trouble does not stop it: an order whose CA fails again and again ends. Returns the time that is
 * left, µs; 0: none. */
usec_t order_patience(Order *order);
void order_restart_patience(Order *order);

/* Logs that the storage of the order cannot be written. @doing: "store the certificate" */
void order_log_not_stored(const Order *order, int error, const char *doing);

/* Ends an order without patience. */
void order_fail_late(Order *order);
void order_fail_memory(Order *order);

/* A request to the CA could not be made: @error is a negative errno. */
void order_fail_request(Order *order, int error);

/* @retry_after: s, 0: none; @why: one or more sentences for the client. */
void order_fail(Order *order, LogEvent event, int status, unsigned retry_after, const char *why);

/* The CA's answer makes no sense. A later one may. */
void order_fail_ca(Order *order, unsigned retry_after, const char *why);

/* As account_suspect_contact(), of the order's account. */
void order_suspect_contact(const Order *order, RefusedStep step, const json_t *problem,
                           Failure *failure);

/* Ends or pauses the order as failure_set_reply() says, or begins it again if the CA does not have
 * it. */
void order_fail_reply(Order *order, const SessionReply *reply, const char *purpose);
