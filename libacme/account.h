/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The ACME account that orders are made under (RFC 8555 §7.1.2, §7.3). */

#include "config/config.h"
#include "libacme/failure.h"
#include "libacme/transport/session.h"

typedef struct Account Account;
typedef struct AccountWaiter AccountWaiter;

/* @failure NULL: the account is ready. */
typedef void (*account_cb)(const Failure *failure, void *userdata);

/* Opens a session with the CA of @block, which is one of @config. Reads nothing yet. */
int account_new(sd_event *event, Config *config, const AccountBlock *block, Account **ret);
Account *account_ref(Account *account);
Account *account_unref(Account *account); /* always returns NULL */

/* Whether this is the account of that block still: same CA, directory and files in it. */
bool account_is_current(const Account *account, const AccountBlock *block);

/**
 * account_await() - make sure of the account
 *
 * Sees through a change of the key that was cut off; loads key and registration; registers where
 * the config accepts the terms of service; finds a registered key's account again. The callback
 * comes once, maybe before this returns; *ret is set before that, to cancel it by, and invalid from
 * the callback on: clear it there.
 */
int account_await(Account *account, account_cb callback, void *userdata, AccountWaiter **ret);
AccountWaiter *account_waiter_cancel(AccountWaiter *waiter); /* NULL is fine; always returns NULL */

/* What it stands for; borrowed. */
const AccountBlock *account_block(const Account *account);

/* What follows is there once the account is ready; borrowed. */
Session *account_session(Account *account);
EVP_PKEY *account_key(Account *account);
const char *account_thumbprint(Account *account);

DEFINE_CLEANUP_FUNC(Account *, account_unref)
