/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The accounts of the configuration at hand, each opened when it is first needed. */

#include "accounts/outage.h"
#include "libacme/account.h"

typedef struct Accounts Accounts;

int accounts_new(sd_event *event, Accounts **ret);
Accounts *accounts_free(Accounts *accounts); /* always returns NULL */

/* The account of @block, which is one of @config: the one from before as long as it is current. A
 * former one lives on with who has a reference. *ret is borrowed. 0 or -errno. */
int accounts_get(Accounts *accounts, Config *config, const AccountBlock *block, Account **ret);

/* What is known of that account's CA, whichever Account stands for it; borrowed, NULL: it was never
 * opened. */
Outage *accounts_outage(const Accounts *accounts, const AccountBlock *block);

DEFINE_CLEANUP_FUNC(Accounts *, accounts_free)
