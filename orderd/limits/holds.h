/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the CA is not asked for now: because it said so, or because a name fails its validation over
 * and over. What is on disk is the truth, and read each time; while the state directory cannot be
 * written nothing is ordered anyway, so that nothing is kept elsewhere. */

#include "libacme/failure.h"
#include "limits/order-context.h"

#define HOLD_FIRST       60U           /* s, for a name that fails: doubled from here … */
#define HOLD_MAX         (24U * 3600U) /* … to here, and spread by up to a quarter */
#define HOLD_UNPUBLISHED 10U           /* s, each time that our own DNS servers are what fails */
#define HOLD_LIMIT       3600U         /* s, for a limit of which the CA does not say how long */

/* Whether the CA may be asked for an order now. If not, @ret is set: status and reason of the
 * earlier time, and how long it takes still. */
bool holds_allows(const OrderContext *context, Failure *ret);

/* How an order went wrong at the CA: a rate limit is remembered, and a Retry-After. Other failures
 * are passed over. */
void holds_note_failure(const OrderContext *context, const Failure *failure);

/* A name ("*." is not part of it) failed its validation, or did not; passed over where it is none
 * of the order's. */
void holds_note_invalid(const OrderContext *context, const char *name, const Failure *failure);
void holds_note_valid(const OrderContext *context, const char *name);

/* Drops what is over, in this state directory. */
void holds_sweep(const char *state_directory);
