/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Holds: orders that are not sent to the CA for some time, because the CA asked for a pause or a
 * name keeps failing its validation. Holds are read from disk each time and kept nowhere else:
 * while the state directory cannot be written, nothing is ordered anyway. */

#include "libacme/failure.h"
#include "limits/order-context.h"

#define HOLD_FIRST       60U /* s, after the first failure of a name: doubled each time … */
#define HOLD_MAX         (24U * 3600U) /* … up to this, plus up to a quarter at random */
#define HOLD_UNPUBLISHED 10U           /* s, each time that our own DNS servers fail */
#define HOLD_LIMIT       3600U         /* s, for a rate limit without a Retry-After */

/* Whether no hold stops this order. If one does, @ret is set to the status and reason of the
 * earlier failure, and the remaining time. */
bool holds_allows(const OrderContext *context, Failure *ret);

/* Notes how an order failed at the CA: a rate limit or a Retry-After begins a hold, other failures
 * are ignored. */
void holds_note_failure(const OrderContext *context, const Failure *failure);

/* Notes that the CA issued something else than was ordered: no further order for the same names is
 * placed for HOLD_LIMIT, doubled each time. */
void holds_note_unusable(const OrderContext *context, const Failure *failure);

/* Notes that the validation of a name (without "*.") failed or succeeded. Ignored where the order
 * does not have this name. */
void holds_note_invalid(const OrderContext *context, const char *name, const Failure *failure);
void holds_note_valid(const OrderContext *context, const char *name);

/* Removes expired holds and counts from this state directory. */
void holds_sweep(const char *state_directory);
