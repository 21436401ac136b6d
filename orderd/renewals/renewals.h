/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The work that orderd does for cached certificates without a request: it asks their CA for the
 * renewal window (RFC 9773), and renews them ahead of requests where their storage has prefetch. */

#include "loading/file.h"
#include "orders/orders.h"
#include "renewals/inventory.h"

typedef struct Renewals Renewals;

/* All arguments are borrowed, and must outlive @ret; free that with renewals_free(). A changed
 * configuration is noticed within ten minutes. 0 or -errno. */
int renewals_new(sd_event *event, ConfigFile *config_file, Inventory *inventory, Orders *orders,
                 Renewals **ret);
Renewals *renewals_free(Renewals *renewals); /* always returns NULL */

/* Call it when the inventory has changed: a certificate may be due earlier. */
void renewals_wake(Renewals *renewals);

DEFINE_CLEANUP_FUNC(Renewals *, renewals_free)
