/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What an order is about: its request, its part of the configuration, and its callers. */

#include "config/config.h"
#include "libacme/failure.h"
#include "log/log-fields.h"
#include "statedir/storage/request.h"
#include "x509/chain.h"

typedef struct Order Order;

/* A call that waits for an order, as the journal names it. */
typedef struct OrderCaller {
    const char *request_id;
    const char *client; /* address; NULL: not known */
    bool is_prefetch;   /* no client waits: orderd itself renews the certificate */
} OrderCaller;

/* Called once, with either a chain or a failure; the other is NULL. Must free the order. */
typedef void (*order_cb)(Order *order, const Chain *chain, const Failure *failure, void *userdata);

/* Called when the order pauses because of trouble that may pass. */
typedef void (*order_trouble_cb)(Order *order, const Failure *failure, void *userdata);

typedef struct OrderSubject {
    Config *config;
    SignRequest request; /* its auth block is one of the config */
    const Storage *storage;
    char *names;        /* sorted, with one space between: orders for the same names wait */
    LogFields log;      /* of all journal entries of the order */
    unsigned n_clients; /* in these fields */
} OrderSubject;

/* @request: parsed and permitted; taken over on success, but not its body: @body is a copy of it
 * that outlives the subject. Returns 0 or -ENOMEM. */
int order_subject_init(OrderSubject *subject, Config *config, SignRequest *request,
                       const char *body);
void order_subject_done(OrderSubject *subject); /* a zeroed one is fine */

#define ORDER_CLIENTS_NAMED 64U

/* Adds the request id and the client's address (NULL: not known) to all further journal entries.
 * Does nothing after ORDER_CLIENTS_NAMED clients: the other fields need room, too. */
void order_subject_add_client(OrderSubject *subject, const char *request_id, const char *client);

/* Whether the request has this name, or the wildcard below it. @name: without "*.". */
bool order_subject_has_name(const OrderSubject *subject, const char *name);

/* Removes the file of an order. Errors are logged. */
void order_forget(const char *state_directory, const char *key);
