/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "accounts/outage.h"

void outage_end(Outage *outage)
{
    failure_done(&outage->failure);
    *outage = (Outage){ 0 };
}

void outage_note(Outage *outage, const Failure *failure)
{
    usec_t now = now_monotonic();

    /* A pause that the CA asked for is a hold: see limits/holds.h. */
    if (failure->event == LOG_EVENT_ORDER_HELD_BACK || failure->status != 503 ||
        !failure->elsewhere || failure->pause > 0)
        return;
    if (outage->since == 0)
        outage->since = now;
    failure_copy(&outage->failure, failure);
    if (now >= outage->since + OUTAGE_GRACE && now >= outage->until)
        outage->until = now + backoff_next(&outage->backoff, 0);
}

bool outage_holds(const Outage *outage, Failure *ret)
{
    usec_t now = now_monotonic();

    if (now >= outage->until)
        return false;
    failure_set(ret, LOG_EVENT_ORDER_HELD_BACK, 503,
                (unsigned)((outage->until - now) / USEC_PER_SEC) + 1,
                "The CA is not available. acmems does not contact it again before the time in "
                "Retry-After. The last error: %s",
                str_or(outage->failure.reason, "out of memory"));
    ret->elsewhere = true;
    return true;
}
