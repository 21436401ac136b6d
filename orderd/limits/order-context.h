/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The properties of an order that holds and budgets depend on. */

#include "config/config.h"

/* All borrowed. */
typedef struct OrderContext {
    const Config *config;
    const AccountBlock *account;
    bool is_spare; /* no client waits: a quarter of the budget stays for orders of clients */
    const AuthBlock *auth;
    const char *client; /* its address; NULL: not known, or the order does not count for it */
    char *const *names; /* of the CSR */
    const char *set;    /* the same, sorted, separated by one blank */
} OrderContext;
