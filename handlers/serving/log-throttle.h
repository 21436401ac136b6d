/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* An entry that every connection may have a reason for: one in a while is enough, with how many
 * there would have been. */

#include <stdbool.h>

#include "base/clock.h"
#include "base/macro.h"

/* In memory that all processes forked later share. So one that was taken over can keep the others'
 * entries back, and no more than that. */
typedef struct LogThrottle LogThrottle;

/* 0 or -ENOMEM. */
int log_throttle_new(usec_t interval, LogThrottle **ret);
void log_throttle_free(LogThrottle *throttle);

/* Whether it is time for an entry. *ret_held: how many have been held back since the one before;
 * untouched where this is one of them. */
bool log_throttle_pass(LogThrottle *throttle, uint64_t *ret_held);

/* How many have been held back and are in no entry; not any more. */
uint64_t log_throttle_take_held(LogThrottle *throttle);

DEFINE_CLEANUP_FUNC(LogThrottle *, log_throttle_free)
