/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Limits the rate of a journal entry that every connection may cause: one entry per interval, with
 * the number of entries it stands for. */

#include <stdbool.h>

#include "base/clock.h"
#include "base/macro.h"

/* It lies in memory that all processes forked later share. A process that was taken over can
 * suppress the entries of the others, and can do nothing else with it. */
typedef struct LogThrottle LogThrottle;

/* Returns 0 or -ENOMEM. */
int log_throttle_new(usec_t interval, LogThrottle **ret);
void log_throttle_free(LogThrottle *throttle);

/* Returns whether to log an entry now. *ret_held: the number suppressed since the previous one;
 * untouched when this one is suppressed. */
bool log_throttle_pass(LogThrottle *throttle, uint64_t *ret_held);

/* Returns the number of suppressed entries that no entry has reported yet, and resets it. */
uint64_t log_throttle_take_held(LogThrottle *throttle);

DEFINE_CLEANUP_FUNC(LogThrottle *, log_throttle_free)
