/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What may be asked of the CA in a while: the configuration's limits, which are to be met before
 * the CA's own are. What was used up is on disk; what goes wrong with that is logged and holds
 * nobody up. */

#include "libacme/failure.h"
#include "limits/order-context.h"

/* Whether one more order is within all limits. If not, @ret is set: 429, with the time until the
 * first one leaves the window. */
bool budget_allows(const OrderContext *context, Failure *ret);

/* An order is about to be made: it counts, whatever becomes of it. */
void budget_note_order(const OrderContext *context);

/* A certificate was issued. */
void budget_note_certificate(const OrderContext *context);

/* Drops what counts no more, in this state directory. */
void budget_sweep(const char *state_directory);
