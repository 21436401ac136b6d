/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log/shortage.h"

#include "log/log.h"

#define PAUSE (100 * USEC_PER_MSEC)
/* After this time without an error, the next one begins a new shortage. */
#define CALM (10 * USEC_PER_SEC)

void shortage_begin(Shortage *shortage, int error, usec_t now)
{
    if (shortage->failed_at == 0 || now >= shortage->failed_at + CALM)
        (void)log_event_errno(LOG_EVENT_SHORTAGE, error, "Failed to %s, will retry: %m",
                              shortage->what);
    shortage->failed_at = now;
    shortage->pause_until = now + PAUSE;
}

bool shortage_is_over(Shortage *shortage, usec_t now)
{
    if (now < shortage->pause_until)
        return false;
    shortage->pause_until = 0;
    return true;
}

void shortage_end(Shortage *shortage)
{
    shortage->pause_until = 0;
}

usec_t shortage_deadline(const Shortage *shortage)
{
    return shortage->pause_until == 0 ? USEC_INFINITY : shortage->pause_until;
}
