/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Delays between requests to the CA (RFC 8555 §7.5.1, §7.4): short at first, then longer and
 * longer. */

#include <stdbool.h>

#include "base/clock.h"

#define POLL_FIRST (100 * USEC_PER_MSEC)
#define POLL_MAX   (5 * USEC_PER_SEC)

/* A longer Retry-After of the CA, a mistake or not, is cut to this. */
#define RETRY_AFTER_MAX 3600U

typedef struct Poll {
    usec_t delay; /* 0 before the first */
} Poll;

#define BACKOFF_FIRST USEC_PER_SEC
#define BACKOFF_MAX   (5 * 60 * USEC_PER_SEC)

typedef struct Backoff {
    usec_t delay; /* 0 before the first */
} Backoff;

/* Clients wait for a result for DEMAND_LASTS after they come. Meanwhile the CA is asked at least
 * every DEMAND_DELAY_MAX, whatever its Retry-After says. */
#define DEMAND_LASTS     (90 * USEC_PER_SEC)
#define DEMAND_DELAY_MAX (60 * USEC_PER_SEC)

typedef struct Demand {
    usec_t called_at; /* when a client last came, by now_monotonic(); 0: none has */
} Demand;

/* s */
static inline unsigned retry_after_cut(unsigned retry_after)
{
    return retry_after < RETRY_AFTER_MAX ? retry_after : RETRY_AFTER_MAX;
}

/* s to µs */
static inline usec_t retry_after_bounded(unsigned retry_after)
{
    return retry_after_cut(retry_after) * USEC_PER_SEC;
}

/* Adds up to a quarter of the delay at random, so that many requests do not come at once. */
usec_t backoff_spread(usec_t delay);

/* The same in seconds. */
static inline unsigned backoff_spread_seconds(unsigned delay)
{
    return (unsigned)(backoff_spread(delay * USEC_PER_SEC) / USEC_PER_SEC);
}

/* Returns the delay before a retry, µs: doubled each time, spread by backoff_spread(), and never
 * less than Retry-After (s, 0: none). */
usec_t backoff_next(Backoff *backoff, unsigned retry_after);

/* Returns @delay (µs), or less while a client waits. */
usec_t demand_shorten(const Demand *demand, usec_t delay);

/* Returns the delay before the next poll, µs: doubled each time, and never less than Retry-After
 * (s, 0: none) of the last answer. */
static inline usec_t poll_next(Poll *poll, unsigned retry_after)
{
    usec_t asked = retry_after_bounded(retry_after);

    poll->delay = poll->delay == 0 ? POLL_FIRST : poll->delay * 2;
    if (poll->delay > POLL_MAX)
        poll->delay = POLL_MAX;
    return asked > poll->delay ? asked : poll->delay;
}
