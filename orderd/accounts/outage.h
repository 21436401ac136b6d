/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A CA that is not there for new orders: after a while it is asked now and then only, so that
 * nobody waits for what will not come, and another account is used at once. */

#include "libacme/failure.h"
#include "libacme/transport/polling.h"

/* What goes wrong for less than this is no outage, µs. */
#define OUTAGE_GRACE (10 * USEC_PER_SEC)

typedef struct Outage {
    usec_t since; /* monotonic, as .until; 0: there is none */
    usec_t until; /* the CA is asked again */
    Backoff backoff;
    Failure failure; /* the last one */
} Outage;

void outage_end(Outage *outage); /* the CA took an order */

/* A new order could not be made: counts where the CA is why. */
void outage_note(Outage *outage, const Failure *failure);

/* Whether the CA is not to be asked now; @ret is set then. */
bool outage_holds(const Outage *outage, Failure *ret);
