/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What orderd does by itself for the certificates of the caches: it asks their CA when they are to
 * be renewed (RFC 9773), and renews them ahead of requests where their storage says so. */

#include "config/file.h"
#include "orders/orders.h"
#include "renewals/inventory.h"

typedef struct Renewals Renewals;

/* All are borrowed, and outlive it. A changed configuration is noticed within ten minutes. */
int renewals_new(sd_event *event, ConfigFile *config_file, Inventory *inventory, Orders *orders,
                 Renewals **ret);
Renewals *renewals_free(Renewals *renewals); /* always returns NULL */

/* The inventory has changed: something may be due earlier than was known. */
void renewals_wake(Renewals *renewals);

DEFINE_CLEANUP_FUNC(Renewals *, renewals_free)
