/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What orderd does by itself for the certificates that the caches hold: it asks the CA when each is
 * to be renewed. */

#include "inventory.h"
#include "orders.h"

typedef struct Renewals Renewals;

/* Both are borrowed. Begins from the event loop. */
int renewals_new(sd_event *event, Inventory *inventory, Orders *orders, Renewals **ret);
Renewals *renewals_free(Renewals *renewals); /* drops what it asked; always returns NULL */

/* The inventory has changed. NULL is fine. */
void renewals_wake(Renewals *renewals);

DEFINE_CLEANUP_FUNC(Renewals *, renewals_free)
