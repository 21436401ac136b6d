/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One-shot timers that can be rearmed: CLOCK_MONOTONIC, to the millisecond. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/clock.h"

/* Make a timer that is not armed. The caller owns the event source and frees it with
 * sd_event_source_disable_unref(). Returns 0 or -errno. */
int timer_new(sd_event *event, sd_event_time_handler_t callback, void *userdata,
              sd_event_source **ret);

/* Like timer_new(), but armed. @delay: as of timer_arm(). @ret may be NULL: the event loop then
 * owns the timer, which cannot be rearmed. */
int timer_start(sd_event *event, usec_t delay, sd_event_time_handler_t callback, void *userdata,
                sd_event_source **ret);

/* Arm the timer to fire once after @delay (µs), whether it is armed already or not. Returns 0 or
 * -errno. */
int timer_arm(sd_event_source *timer, usec_t delay);

/* Disarm the timer. Returns 0 or -errno. */
int timer_disarm(sd_event_source *timer);

bool timer_is_armed(const sd_event_source *timer);

/* The time until the timer fires, µs. 0: it is due, or not armed. */
usec_t timer_left(sd_event_source *timer);
