/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What is ordered: of which request, and by which block of the configuration. */

#include "config/config.h"
#include "libacme/failure.h"
#include "log/log-fields.h"
#include "statedir/storage/storage.h"
#include "x509/chain.h"
#include "x509/csr.h"

typedef struct Order Order;

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

/* Where an order's certificate is to go and how it is validated. */
typedef struct OrderTarget {
    Config *config;
    const AuthBlock *auth; /* of the config */
} OrderTarget;

typedef struct OrderSubject {
    Config *config;
    const AuthBlock *auth; /* of the config, as the next */
    const Storage *storage;
    char key[STORAGE_KEY_SIZE]; /* storage_key() of the body */
    Csr *csr;
    char *names;        /* sorted, one blank between: what two orders collide by */
    LogFields log;      /* what its entries carry */
    unsigned n_clients; /* named in them */
} OrderSubject;

/* @body: of the request; @csr: its parsed form, taken over on success. 0 or -ENOMEM. */
int order_subject_init(OrderSubject *subject, const OrderTarget *target, const void *body,
                       size_t size, Csr **csr);
void order_subject_done(OrderSubject *subject); /* also of a zeroed one */

#define ORDER_CLIENTS_NAMED 64U

/* All entries carry the request id and the address (NULL: not known) from here on; past
 * ORDER_CLIENTS_NAMED, which leaves room for the other fields, nothing is added. */
void order_subject_add_client(OrderSubject *subject, const char *request_id, const char *client);

/* "*." is not part of it. */
bool order_subject_has_name(const OrderSubject *subject, const char *name);

/* Removes what is on disk of it. What goes wrong is logged. */
void order_forget(const char *state_directory, const char *key);
