/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The shares of orders-per-3h: what one client and one auth block can use of it, and the part that
 * only renewals can use. So no client takes the orders of the others. */

#include "libacme/failure.h"
#include "limits/order-context.h"
#include "statedir/ledger.h"

/* The note about an order in the ledger of its account: whose it is, and of which kind. New string;
 * NULL: out of memory. */
char *shares_note(const OrderContext *context);

/**
 * shares_allow() - whether one more order is within all shares
 * @ledger: the orders of the account in the window, with their notes
 * @window: its length, s
 * @now: the time at which the ledger was loaded: all its orders are in the window then
 *
 * If not, @ret is set to status 429, with the time until the share has room again. Orders without a
 * note, of an earlier version, count for no share.
 */
bool shares_allow(const OrderContext *context, const Ledger *ledger, time_t window, time_t now,
                  Failure *ret);
