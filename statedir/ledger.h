/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Recent events for each limit, with their times: <state directory>/budget/, one file for each
 * limit. */

#include <stddef.h>
#include <time.h>

#include "base/macro.h"

#define LEDGER_MAX 10000U /* times in one ledger; the oldest are dropped */

#define LEDGER_NOTE_MAX 255U /* bytes of a note */

#define LEDGER_WINDOW_MAX (7 * 24 * 3600) /* s */

/* The limit that a ledger counts for. */
typedef struct LedgerKey {
    const char *kind;   /* "orders", "certificates", "client" */
    const char *server; /* URL of the CA's directory */
    const char *what;
    time_t window; /* s, at most LEDGER_WINDOW_MAX; older times are ignored */
} LedgerKey;

typedef struct Ledger {
    time_t *times; /* seconds since 1970, in the window, ascending */
    char **notes;  /* what was said about each; NULL in it: nothing */
    size_t n;
} Ledger;

void ledger_done(Ledger *ledger);

/* In all functions, @state is the state directory. */

/* Loads a ledger. @ret: ledger_done(). A missing or damaged file counts as empty. Returns 0 or
 * -errno. */
int ledger_load(const char *state, const LedgerKey *key, time_t now, Ledger *ret);

/* Adds @now with a note (copied; NULL: none) to a ledger of ledger_load(), and writes its file. A
 * note longer than LEDGER_NOTE_MAX is dropped. If the file cannot be written,
 * @ledger contains @now nevertheless. Returns 0 or -errno. */
int ledger_add(const char *state, const LedgerKey *key, time_t now, const char *note,
               Ledger *ledger);

/* Removes the temporary files of a crash, and each file that was not written for LEDGER_WINDOW_MAX.
 * Does not read the files, as there may be thousands at the start. Returns 0 or -errno. */
int ledger_sweep(const char *state, time_t now);
