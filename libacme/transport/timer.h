/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Timers of sd-event that fire once and are armed again and again: CLOCK_MONOTONIC, to the
 * millisecond. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/clock.h"

/* Makes a timer that is not armed. The event source is the caller's:
 * sd_event_source_disable_unref(). 0 or -errno. */
int timer_new(sd_event *event, sd_event_time_handler_t callback, void *userdata,
              sd_event_source **ret);

/* The same, armed at once. A timer that is never armed again may have @ret NULL: it belongs to the
 * event loop then. */
int timer_start(sd_event *event, usec_t delay, sd_event_time_handler_t callback, void *userdata,
                sd_event_source **ret);

/* Has it fire once after @delay, µs, whether it was armed before or not. 0 or -errno. */
int timer_arm(sd_event_source *timer, usec_t delay);

/* Disarms it. 0 or -errno. */
int timer_disarm(sd_event_source *timer);

bool timer_is_armed(const sd_event_source *timer);
