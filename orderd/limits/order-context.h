/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The properties of an order that holds and budgets depend on. */

#include "config/config.h"

typedef enum OrderKind {
    ORDER_KIND_NEW,      /* a client's, for a certificate that the cache does not have */
    ORDER_KIND_RENEWAL,  /* a client's, for one that the cache has */
    ORDER_KIND_PREFETCH, /* a renewal for which no client waits */
} OrderKind;

/* All borrowed. */
typedef struct OrderContext {
    const Config *config;
    const AccountBlock *account;
    OrderKind kind;
    const AuthBlock *auth;
    const char *client; /* its address; NULL: not known */
    bool is_charged;    /* the order counts for orders-per-day of its client already */
    char *const *names; /* of the CSR */
    const char *set;    /* the same, sorted, separated by one blank */
} OrderContext;
