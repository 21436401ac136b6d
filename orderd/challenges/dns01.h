/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* dns-01 (RFC 8555 §8.4) and dns-account-01 (draft-ietf-acme-dns-account-label): adds a TXT record
 * by DNS UPDATE (RFC 2136), beside existing records, and removes it. The CA is told about the
 * records of an order together: when all are in DNS and no more will come. */

#include <systemd/sd-event.h>

#include "challenges/solver.h"

extern const Solver dns01_solver, dns_account01_solver;

/* The length of what the CA puts before the name, with the dot: "_acme-challenge.". */
size_t dns01_prefix_length(const Verification *verification);

int dns01_new(sd_event *event, Dns01 **ret);
/* Removes nothing from DNS: the next start does. Always returns NULL. */
Dns01 *dns01_free(Dns01 *dns01);

/* Looks, from the event loop, for answers that no longer have to wait. */
void dns01_release(Dns01 *dns01);

/* See txt_records_sweep(). */
bool dns01_sweep(Dns01 *dns01, Config *config, bool (*is_needed)(const char *name, void *userdata),
                 void *userdata, bool again);

DEFINE_CLEANUP_FUNC(Dns01 *, dns01_free)
