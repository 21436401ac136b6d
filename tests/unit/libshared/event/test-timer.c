/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/timer.h"

#include "test.h"

#define PATIENCE (10 * USEC_PER_SEC)

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    unsigned *n = userdata;

    (void)source;
    (void)usec;
    (*n)++;
    return 0;
}

int main(void)
{
    sd_event_source *timer = NULL, *started = NULL;
    unsigned n = 0, n_started = 0, n_floating = 0;
    sd_event *event;
    usec_t begin;

    ASSERT_OK(sd_event_new(&event));

    /* Not armed at first, and it stays silent. */
    ASSERT_OK(timer_new(event, on_timer, &n, &timer));
    ASSERT_FALSE(timer_is_armed(timer));
    ASSERT_EQ(sd_event_run(event, 0), 0);

    /* Fires once, not before its time, and can be armed again. */
    for (unsigned i = 1; i <= 2; i++) {
        begin = now_monotonic();
        ASSERT_OK(timer_arm(timer, 5 * USEC_PER_MSEC));
        ASSERT_TRUE(timer_is_armed(timer));
        ASSERT_TRUE(timer_left(timer) <= 5 * USEC_PER_MSEC);
        ASSERT_TRUE(sd_event_run(event, PATIENCE) > 0);
        ASSERT_EQ(timer_left(timer), 0);
        ASSERT_EQ(n, i);
        ASSERT_TRUE(now_monotonic() >= begin + 5 * USEC_PER_MSEC);
        ASSERT_FALSE(timer_is_armed(timer));
    }

    /* The later call counts. */
    ASSERT_OK(timer_arm(timer, 3600 * USEC_PER_SEC));
    ASSERT_OK(timer_arm(timer, 0));
    ASSERT_TRUE(sd_event_run(event, PATIENCE) > 0);
    ASSERT_EQ(n, 3);
    ASSERT_OK(timer_arm(timer, 0));
    ASSERT_OK(timer_disarm(timer));
    ASSERT_EQ(sd_event_run(event, 0), 0);

    ASSERT_OK(timer_start(event, 0, on_timer, &n_started, &started));
    ASSERT_OK(timer_start(event, 0, on_timer, &n_floating, NULL));
    ASSERT_TRUE(timer_is_armed(started));
    while (n_started == 0 || n_floating == 0)
        ASSERT_TRUE(sd_event_run(event, PATIENCE) > 0);

    sd_event_source_disable_unref(timer);
    sd_event_source_disable_unref(started);
    sd_event_unref(event);
    return EXIT_SUCCESS;
}
