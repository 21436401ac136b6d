/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* dns-01 (RFC 8555 §8.4): a TXT record that DNS UPDATE (RFC 2136) puts beside those that there are,
 * and removes. The CA is told of those that it sees together at once: of an order's when all are
 * there, and none is to come. */

#include <systemd/sd-event.h>

#include "challenges/solver.h"

extern const Solver dns01_solver;

int dns01_new(sd_event *event, Dns01 **ret);
/* Nothing is removed from DNS any more: the next start does it. Always returns NULL. */
Dns01 *dns01_free(Dns01 *dns01);

/* Looks from the loop for answers that need not wait any more. */
void dns01_release(Dns01 *dns01);

/* See txt_records_sweep(). */
bool dns01_sweep(Dns01 *dns01, Config *config, bool (*is_needed)(const char *name, void *userdata),
                 void *userdata, bool again);

DEFINE_CLEANUP_FUNC(Dns01 *, dns01_free)
