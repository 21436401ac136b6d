/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A clock that stands still until the test lets time pass, and timers by it. The functions below
 * take the place of event/timer.c and of libc's when the test is linked, so no test waits for a
 * deadline and none depends on the speed of the machine. Random delays are not spread. */

#include <sys/random.h>
#include <sys/syscall.h>

#include "event/timer.h"
#include "trace.h"

typedef struct ClockTimer {
    struct ClockTimer *next;
    sd_event_source *source;
    sd_event_time_handler_t callback;
    void *userdata;
    usec_t at;          /* USEC_INFINITY: not armed */
    unsigned n_armings; /* of all timers, when this one was armed */
} ClockTimer;

static ClockTimer *clock_timers;
static unsigned clock_n_armings;
static usec_t clock_passed;

/* Starts at a whole second, so that traces do not depend on the fraction. */
int clock_gettime(clockid_t id, struct timespec *ret)
{
    static struct timespec start[2];
    struct timespec *real = &start[id == CLOCK_REALTIME];

    if (real->tv_sec == 0)
        ASSERT_OK(syscall(SYS_clock_gettime, id == CLOCK_REALTIME ? id : CLOCK_MONOTONIC, real));
    ret->tv_sec = real->tv_sec + (time_t)(clock_passed / USEC_PER_SEC);
    ret->tv_nsec = (long)(clock_passed % USEC_PER_SEC) * 1000;
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

/* backoff_spread() asks for 4 bytes. */
ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
    if (size != sizeof(uint32_t))
        return syscall(SYS_getrandom, buffer, size, flags);
    memset(buffer, 0, size);
    return (ssize_t)size;
}

static int clock_on_ready(sd_event_source *source, void *userdata)
{
    ClockTimer *timer = userdata;

    return timer->callback(source, now_monotonic(), timer->userdata);
}

static void clock_on_freed(void *userdata)
{
    ClockTimer **at = &clock_timers;

    while (*at != userdata)
        at = &(*at)->next;
    *at = (*at)->next;
    free(userdata);
}

int timer_new(sd_event *event, sd_event_time_handler_t callback, void *userdata,
              sd_event_source **ret)
{
    ClockTimer *timer = calloc(1, sizeof(*timer));
    int r;

    ASSERT_TRUE(timer);
    *timer = (ClockTimer){ clock_timers, NULL, callback, userdata, USEC_INFINITY, 0 };
    r = sd_event_add_defer(event, &timer->source, clock_on_ready, timer);
    if (r < 0) {
        free(timer);
        return r;
    }
    clock_timers = timer;
    ASSERT_TRUE(sd_event_source_set_destroy_callback(timer->source, clock_on_freed) >= 0);
    ASSERT_TRUE(sd_event_source_set_enabled(timer->source, SD_EVENT_OFF) >= 0);
    if (ret)
        *ret = timer->source;
    else
        ASSERT_TRUE(sd_event_source_set_floating(timer->source, true) >= 0);
    return 0;
}

int timer_arm(sd_event_source *source, usec_t delay)
{
    ClockTimer *timer = sd_event_source_get_userdata(source);
    int r = sd_event_source_set_enabled(source, SD_EVENT_OFF);

    if (r < 0)
        return r;
    timer->at = now_monotonic() + delay;
    timer->n_armings = clock_n_armings++;
    return 0;
}

int timer_start(sd_event *event, usec_t delay, sd_event_time_handler_t callback, void *userdata,
                sd_event_source **ret)
{
    sd_event_source *source;
    int r = timer_new(event, callback, userdata, &source);

    if (r < 0)
        return r;
    ASSERT_OK(timer_arm(source, delay));
    if (ret)
        *ret = source;
    else
        ASSERT_TRUE(sd_event_source_set_floating(source, true) >= 0);
    return 0;
}

int timer_disarm(sd_event_source *source)
{
    ClockTimer *timer = sd_event_source_get_userdata(source);

    timer->at = USEC_INFINITY;
    return sd_event_source_set_enabled(source, SD_EVENT_OFF) < 0 ? -ESTALE : 0;
}

bool timer_is_armed(const sd_event_source *source)
{
    const ClockTimer *timer = sd_event_source_get_userdata((sd_event_source *)(uintptr_t)source);

    return timer->at != USEC_INFINITY;
}

usec_t timer_left(sd_event_source *source)
{
    const ClockTimer *timer = sd_event_source_get_userdata(source);
    usec_t now = now_monotonic();

    return timer->at != USEC_INFINITY && timer->at > now ? timer->at - now : 0;
}

/* Lets time pass up to the next timer, and makes it ready. False: there is none before @until. */
static inline bool clock_pass(usec_t until)
{
    ClockTimer *first = NULL;
    usec_t now = now_monotonic();

    for (ClockTimer *timer = clock_timers; timer; timer = timer->next)
        if (timer->at != USEC_INFINITY &&
            (!first || timer->at < first->at ||
             (timer->at == first->at && timer->n_armings < first->n_armings)))
            first = timer;
    if (!first || first->at > until)
        return false;
    if (first->at > now) {
        trace_add("wait %g s", (double)(first->at - now) / (double)USEC_PER_SEC);
        clock_passed += first->at - now;
    }
    first->at = USEC_INFINITY;
    ASSERT_TRUE(sd_event_source_set_enabled(first->source, SD_EVENT_ONESHOT) >= 0);
    return true;
}

/* Lets time pass to the next whole second, so that a case does not depend on those before it. */
static inline void clock_round(void)
{
    clock_passed = (clock_passed / USEC_PER_SEC + 1) * USEC_PER_SEC;
}

/* Lets @seconds pass at once, for what does not wait by a timer. */
static inline void clock_skip(unsigned seconds)
{
    clock_passed += seconds * USEC_PER_SEC;
}

/* Peers that answer what they were asked, each false when there is nothing to answer. */
static bool (*clock_peers[2])(void);

static inline void clock_add_peer(bool (*answer)(void))
{
    for (size_t i = 0; i < ELEMENTSOF(clock_peers); i++)
        if (!clock_peers[i] || clock_peers[i] == answer) {
            clock_peers[i] = answer;
            return;
        }
    ASSERT_TRUE(false);
}

/* Runs until *is_over (NULL: not in question), until nothing is left to do, or until @until. */
static inline void clock_run(sd_event *event, const bool *is_over, usec_t until)
{
    while (!is_over || !*is_over) {
        bool is_answered = false;
        int r;

        while ((r = sd_event_run(event, 0)) > 0)
            ;
        ASSERT_OK(r);
        for (size_t i = 0; !is_answered && i < ELEMENTSOF(clock_peers); i++)
            is_answered = (!is_over || !*is_over) && clock_peers[i] && clock_peers[i]();
        if (!is_answered && (!is_over || !*is_over) && !clock_pass(until))
            return;
    }
}
