/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/polling.h"

#include <stdlib.h>
#include <sys/random.h>

#define STEPS 1024U

usec_t backoff_spread(usec_t delay)
{
    uint32_t random = 0;

    /* The quality does not matter. */
    (void)!getrandom(&random, sizeof(random), 0);
    return delay + delay / 4 / STEPS * (random % STEPS);
}

usec_t demand_shorten(const Demand *demand, usec_t delay)
{
    bool waits = demand->called_at > 0 && now_monotonic() < demand->called_at + DEMAND_LASTS;

    return waits && delay > DEMAND_DELAY_MAX ? DEMAND_DELAY_MAX : delay;
}

usec_t backoff_next(Backoff *backoff, unsigned retry_after)
{
    usec_t asked = retry_after_bounded(retry_after);

    backoff->delay = backoff->delay == 0 ? BACKOFF_FIRST : backoff->delay * 2;
    if (backoff->delay > BACKOFF_MAX)
        backoff->delay = BACKOFF_MAX;
    return backoff_spread(asked > backoff->delay ? asked : backoff->delay);
}
