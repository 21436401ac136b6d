/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The ACME account that orders are made under (RFC 8555 §7.1.2, §7.3). */

#include "config/config.h"
#include "libacme/account/refusal.h"
#include "libacme/failure.h"
#include "libacme/transport/session.h"

typedef struct Account Account;
typedef struct AccountWaiter AccountWaiter;

/* @failure NULL: the account is ready. */
typedef void (*account_cb)(const Failure *failure, void *userdata);

/* Opens a session with the CA of @block, a block of @config. Reads no files yet. */
int account_new(sd_event *event, Config *config, const AccountBlock *block, Account **ret);
Account *account_ref(Account *account);
Account *account_unref(Account *account); /* always returns NULL */

/* Opens a session with the CA of the block. 0 or -errno. */
int account_open_session(sd_event *event, const AccountBlock *block, Session **ret);

/* Whether this is still the account of @block: same CA, same way to it, same directory, same files
 * in it. */
bool account_is_current(const Account *account, const AccountBlock *block);

/**
 * account_await() - wait until the account is usable
 *
 * Completes an interrupted change of the key, loads key and registration, registers if the config
 * accepts the terms of service, and finds the account of a registered key again. The callback comes
 * once, maybe before this function returns. *ret is set before that; it cancels the wait and is
 * invalid from the callback on: clear it there. 0 or -ENOMEM.
 */
int account_await(Account *account, account_cb callback, void *userdata, AccountWaiter **ret);
AccountWaiter *account_waiter_cancel(AccountWaiter *waiter); /* NULL is fine; always returns NULL */

/* As refusal_suspect_contact(), of an account that is ready. */
void account_suspect_contact(const Account *account, RefusedStep step, const json_t *problem,
                             Failure *failure);

/* The block of the account. Borrowed. */
const AccountBlock *account_block(const Account *account);

/* These are set once the account is ready. Borrowed. */
Session *account_session(Account *account);
EVP_PKEY *account_key(Account *account);
const char *account_thumbprint(Account *account);
/* The URL of the account at the CA, which identifies it there (RFC 8555 §7.3). */
const char *account_url(Account *account);

DEFINE_CLEANUP_FUNC(Account *, account_unref)
