/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Which of an auth block's accounts its order is made with: the first one, and the next where the
 * CA of the one before is down or limits the rate. */

#include "accounts/accounts.h"

typedef struct AccountChoice {
    Accounts *accounts; /* borrowed, as the next two */
    Config *config;
    const AuthBlock *auth;
    Account *account; /* the one at hand; NULL: not opened yet */
    size_t n_passed;  /* those that could not serve; the next one is at hand */
    Failure passed;   /* what they said, with the soonest time to try again; .status 0: none did */
} AccountChoice;

void account_choice_done(AccountChoice *choice);

/* The account at hand; and the profile that is asked for there, NULL: the CA's default. Borrowed
 * from the configuration. */
const AccountBlock *account_choice_block(const AccountChoice *choice);
const char *account_choice_profile(const AccountChoice *choice);

/* What is known of its CA, as accounts_outage(). */
Outage *account_choice_outage(const AccountChoice *choice);

/* Opens it, or another in place of one that is not current any more; without one to be had that
 * stays. 1: .account is another one than before; 0; -errno. */
int account_choice_open(AccountChoice *choice);

/* Whether the one that is open is that of the configuration still. */
bool account_choice_is_current(const AccountChoice *choice);

/* Goes on from the account that an order was begun with: @name and @server of its block. False: it
 * is not among them, and the first one is at hand. */
bool account_choice_find(AccountChoice *choice, const char *name, const char *server);

/* Passes over the account at hand, which @failure is about. False: no other CA would do better, or
 * there is none to go to. */
bool account_choice_next(AccountChoice *choice, const Failure *failure);

/* Whether account_choice_next() could. */
bool account_choice_has_next(const AccountChoice *choice, const Failure *failure);

/* What the client is told in the end: @failure, of the last account, with what the others said. */
void account_choice_sum_up(const AccountChoice *choice, Failure *failure);

/* Says which account a problem of the CA is about: its types do not know. */
void account_choice_amend(const AccountChoice *choice, Failure *failure);
