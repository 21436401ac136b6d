/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* An outage of a CA: after some time of failed new orders, the CA is tried only now and then.
 * Clients get their answer at once, or another account is used. */

#include "libacme/failure.h"
#include "libacme/transport/polling.h"

/* Shorter trouble is no outage, µs. */
#define OUTAGE_GRACE (10 * USEC_PER_SEC)

typedef struct Outage {
    usec_t since; /* monotonic, like .until; 0: no outage */
    usec_t until; /* the CA is not contacted before */
    Backoff backoff;
    Failure failure; /* the last one */
} Outage;

void outage_end(Outage *outage); /* the CA accepted an order */

/* Notes that a new order failed. Counts only if the CA is the cause. */
void outage_note(Outage *outage, const Failure *failure);

/* Whether the CA must not be contacted now; @ret is set to the reason then. */
bool outage_holds(const Outage *outage, Failure *ret);
