/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log/log-throttle.h"

#include <sys/mman.h>

int log_throttle_new(usec_t interval, LogThrottle **ret)
{
    LogThrottle *throttle =
        mmap(NULL, sizeof(*throttle), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (throttle == MAP_FAILED)
        return -ENOMEM;
    throttle->interval = interval;
    *ret = throttle;
    return 0;
}

void log_throttle_free(LogThrottle *throttle)
{
    if (throttle)
        (void)munmap(throttle, sizeof(*throttle));
}

uint64_t log_throttle_take_held(LogThrottle *throttle)
{
    return atomic_exchange(&throttle->held, 0);
}

bool log_throttle_pass(LogThrottle *throttle, uint64_t *ret_held)
{
    usec_t now = now_monotonic(), next = atomic_load(&throttle->next);

    /* Of several processes at once, the one that sets the next time first logs this entry. */
    if (now < next ||
        !atomic_compare_exchange_strong(&throttle->next, &next, now + throttle->interval)) {
        (void)atomic_fetch_add(&throttle->held, 1);
        return false;
    }
    *ret_held = log_throttle_take_held(throttle);
    return true;
}
