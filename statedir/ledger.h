/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* How often something was done of late: <state directory>/budget/, a file for each thing counted.
 */

#include <stddef.h>
#include <time.h>

#include "base/macro.h"

#define LEDGER_MAX 10000U /* times that one keeps; older ones are dropped */

#define LEDGER_WINDOW_MAX (7 * 24 * 3600) /* s */

/* What is counted. */
typedef struct LedgerKey {
    const char *kind;   /* "orders" */
    const char *server; /* URL of the CA's directory */
    const char *what;
    time_t window; /* s, at most LEDGER_WINDOW_MAX; what is older counts no more */
} LedgerKey;

typedef struct Ledger {
    time_t *times; /* seconds since 1970, within the window, ascending */
    size_t n;
} Ledger;

void ledger_done(Ledger *ledger);

/* Both: @state is the state directory. A damaged file, or none, counts as empty. 0 or -errno. */
int ledger_load(const char *state, const LedgerKey *key, time_t now, Ledger *ret);

/* Appends @now and writes it, in place of the older one; @ledger is what ledger_load() gave, and
 * has it too, written or not. 0 or -errno. */
int ledger_add(const char *state, const LedgerKey *key, time_t now, Ledger *ledger);

/* Removes what a crash left half, and what was not added to for LEDGER_WINDOW_MAX. None is read, as
 * there may be thousands at a start. 0 or -errno. */
int ledger_sweep(const char *state, time_t now);
