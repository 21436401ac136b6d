/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Limits the rate of a journal entry that others may cause as often as they like: one entry per
 * interval, with the number of entries it stands for. */

#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/macro.h"

/* All members but the interval are 0 at first. */
typedef struct LogThrottle {
    usec_t interval;
    _Atomic usec_t next;
    _Atomic uint64_t held;
} LogThrottle;

/* Makes one in memory that all processes forked later share. A process that was taken over can
 * suppress the entries of the others, and can do nothing else with it. Returns 0 or -ENOMEM. */
int log_throttle_new(usec_t interval, LogThrottle **ret);
void log_throttle_free(LogThrottle *throttle); /* one that log_throttle_new() made */

/* Returns whether to log an entry now. *ret_held: the number suppressed since the previous one;
 * untouched when this one is suppressed. */
bool log_throttle_pass(LogThrottle *throttle, uint64_t *ret_held);

/* Returns the number of suppressed entries that no entry has reported yet, and resets it. */
uint64_t log_throttle_take_held(LogThrottle *throttle);

DEFINE_CLEANUP_FUNC(LogThrottle *, log_throttle_free)
