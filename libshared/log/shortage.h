/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A shortage of a resource that other processes hold: it is told once, and the same is tried again
 * a moment later, without waiting here. */

#include <stdbool.h>

#include "base/clock.h"

typedef struct Shortage {
    const char *what;   /* "accept a connection" */
    usec_t failed_at;   /* the last time; 0: never */
    usec_t pause_until; /* 0: there is no pause */
} Shortage;

/* Begins a pause. Logs the error, unless the last one was a few seconds ago: then it is the same
 * shortage. @error: errno. @now: from now_monotonic() */
void shortage_begin(Shortage *shortage, int error, usec_t now);

/* Whether to try again at @now; ends the pause then. */
bool shortage_is_over(Shortage *shortage, usec_t now);

void shortage_end(Shortage *shortage); /* something was released: try again at once */

usec_t shortage_deadline(const Shortage *shortage); /* of the pause; USEC_INFINITY: none */
