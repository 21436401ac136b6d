/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Limits how many refusals of one source are logged, so that no client can fill the journal. The
 * others are counted, and one entry sums them up. */

#include "base/clock.h"
#include "base/macro.h"
#include "policy/source.h"

/* Entries of one source in a window of this length. */
#define REFUSALS_LOGGED 20U
#define REFUSALS_WINDOW (30 * USEC_PER_SEC)

/* It lies in memory that all processes forked later share, those of acmems-sign. A process that was
 * taken over can suppress or invent sums, and can do nothing else with it. */
typedef struct Refusals Refusals;

/* Returns 0 or -ENOMEM. */
int refusals_new(Refusals **ret);
void refusals_free(Refusals *refusals); /* NULL is fine */

/* Whether to log a refusal of this source now. Otherwise it is counted. If the table is full of
 * other sources, those that are not in it share one count. @now: from now_monotonic() */
bool refusals_pass(Refusals *refusals, const Source *source, usec_t now);

/* Logs the sums of all windows that are over at @now; USEC_INFINITY: of all. Only in one process:
 * the one that accepts. Returns whether there are windows that are not over. */
bool refusals_sum_up(Refusals *refusals, usec_t now);

DEFINE_CLEANUP_FUNC(Refusals *, refusals_free)
