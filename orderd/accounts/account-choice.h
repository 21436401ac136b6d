/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Selects the account for an order among those of its auth block: the first one, and the next one
 * when the CA of the previous one is down or limits the rate. */

#include "accounts/accounts.h"

typedef struct AccountChoice {
    Accounts *accounts; /* borrowed, like the next two */
    Config *config;
    const AuthBlock *auth;
    Account *account; /* the selected one; NULL: not opened yet */
    size_t n_passed;  /* accounts that were tried and could not serve; the next one is selected */
    Failure passed;   /* their failures, with the earliest time to retry; .status 0: none */
} AccountChoice;

void account_choice_done(AccountChoice *choice);

/* The selected account, and the profile to request there (NULL: the CA's default). Borrowed from
 * the configuration. */
const AccountBlock *account_choice_block(const AccountChoice *choice);
const char *account_choice_profile(const AccountChoice *choice);

/* The outage state of its CA: see accounts_outage(). */
Outage *account_choice_outage(const AccountChoice *choice);

/* Opens the selected account, or opens it again where it is no longer current. If that fails, an
 * open one stays in use. 1: .account has changed; 0: it has not; -errno. */
int account_choice_open(AccountChoice *choice);

/* Whether the open account still matches the configuration. */
bool account_choice_is_current(const AccountChoice *choice);

/* Selects the account that an order was begun with: @name and @server of its block. False: the auth
 * block does not have it, and the first one is selected. */
bool account_choice_find(AccountChoice *choice, const char *name, const char *server);

/* Selects the next account after @failure of this one. False: another CA would fail as well, or
 * there is no other. */
bool account_choice_next(AccountChoice *choice, const Failure *failure);

/* Whether account_choice_next() could. */
bool account_choice_has_next(const AccountChoice *choice, const Failure *failure);

/* Makes the client's answer: adds the failures of the other accounts to @failure, of the last one.
 */
void account_choice_sum_up(const AccountChoice *choice, Failure *failure);

/* Adds to a problem of the CA which account it is about, which its type does not say. */
void account_choice_amend(const AccountChoice *choice, Failure *failure);
