/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What an order asks of the CA, and for whom: what holds and budgets go by. */

#include "config/config.h"

/* All borrowed. */
typedef struct OrderContext {
    const Config *config;
    const AccountBlock *account;
    bool is_spare; /* no client waits: leave some of the budget to those who do */
    const AuthBlock *auth;
    const char *client; /* its address; NULL: not known, or it is not to be charged with this */
    char *const *names; /* of the CSR */
    const char *set;    /* the same, sorted, one blank between */
} OrderContext;
