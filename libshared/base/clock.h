/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Time: deadlines are absolute, in microseconds of CLOCK_MONOTONIC. */

#include <stdint.h>
#include <time.h>

typedef uint64_t usec_t;

#define USEC_PER_SEC  ((usec_t)1000000)
#define USEC_PER_MSEC ((usec_t)1000)
/* For sd-event timers: most answers take less time than their default accuracy of 250 ms. */
#define TIMER_ACCURACY USEC_PER_MSEC

#define USEC_INFINITY ((usec_t)UINT64_MAX)

static inline usec_t now_monotonic(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

/* Milliseconds until the deadline as poll() takes them: 0 when past, -1 for USEC_INFINITY. */
static inline int deadline_to_poll(usec_t deadline)
{
    usec_t now, ms;

    if (deadline == USEC_INFINITY)
        return -1;
    now = now_monotonic();
    if (deadline <= now)
        return 0;
    ms = (deadline - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}
