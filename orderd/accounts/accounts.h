/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The accounts of the configuration in force, each opened when it is first needed. */

#include "accounts/outage.h"
#include "libacme/account/account.h"

typedef struct Accounts Accounts;

/* @ret: free with accounts_free(). 0 or -ENOMEM. */
int accounts_new(sd_event *event, Accounts **ret);
Accounts *accounts_free(Accounts *accounts); /* always returns NULL */

/* Gets the account of @block, a block of @config: the open one as long as it is current, otherwise
 * a new one. A previous account stays valid for those who hold a reference. *ret is borrowed. 0 or
 * -errno. */
int accounts_get(Accounts *accounts, Config *config, const AccountBlock *block, Account **ret);

/* The outage state of the CA of this account block; borrowed. NULL: the account was never opened.
 */
Outage *accounts_outage(const Accounts *accounts, const AccountBlock *block);

/* Whether the CA of this account block is known to ignore "replaces" in a new order (RFC 9773 §5),
 * so that it exempts no renewal from its limits. */
bool accounts_ignores_replaces(const Accounts *accounts, const AccountBlock *block);

/* Notes what the CA did with "replaces" in its last new order. */
void accounts_note_replaces(Accounts *accounts, const AccountBlock *block, bool is_ignored);

DEFINE_CLEANUP_FUNC(Accounts *, accounts_free)
