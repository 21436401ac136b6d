/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/timer.h"

int timer_start(sd_event *event, usec_t delay, sd_event_time_handler_t callback, void *userdata,
                sd_event_source **ret)
{
    int r = sd_event_add_time_relative(event, ret, CLOCK_MONOTONIC, delay, TIMER_ACCURACY, callback,
                                       userdata);

    return r < 0 ? r : 0;
}

int timer_new(sd_event *event, sd_event_time_handler_t callback, void *userdata,
              sd_event_source **ret)
{
    sd_event_source *timer = NULL;
    int r = timer_start(event, 0, callback, userdata, &timer);

    if (r >= 0)
        r = timer_disarm(timer);
    if (r < 0) {
        sd_event_source_disable_unref(timer);
        return r;
    }
    *ret = timer;
    return 0;
}

int timer_arm(sd_event_source *timer, usec_t delay)
{
    int r = sd_event_source_set_time_relative(timer, delay);

    if (r >= 0)
        r = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
    return r < 0 ? r : 0;
}

int timer_disarm(sd_event_source *timer)
{
    int r = sd_event_source_set_enabled(timer, SD_EVENT_OFF);

    return r < 0 ? r : 0;
}

bool timer_is_armed(const sd_event_source *timer)
{
    return sd_event_source_get_enabled((sd_event_source *)(uintptr_t)timer, NULL) > 0;
}

usec_t timer_left(sd_event_source *timer)
{
    usec_t at, now = now_monotonic();

    if (!timer_is_armed(timer) || sd_event_source_get_time(timer, &at) < 0)
        return 0;
    return at > now ? at - now : 0;
}
