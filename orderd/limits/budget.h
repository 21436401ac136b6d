/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The limits of the configuration on orders and certificates in a period, meant to be reached
 * before the CA's own rate limits. The counts are on disk; a failure to read or write them is
 * logged and delays no order. An order that the CA exempts from its limits
 * (OrderRecord.is_exempt) is not checked and not counted. */

#include "libacme/failure.h"
#include "limits/order-context.h"

/* Whether one more order is within all limits. If not, @ret is set to status 429, with the time
 * until the oldest order leaves the window. */
bool budget_allows(const OrderContext *context, Failure *ret);

/* Counts an order that is about to be made. It counts whatever its result. */
void budget_note_order(const OrderContext *context);

/* Counts a certificate that was issued. */
void budget_note_certificate(const OrderContext *context);

/* Removes the counts that have left their windows from this state directory. */
void budget_sweep(const char *state_directory);
