/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the CA is not asked for now, and why: <state directory>/backoff/, a file for each. The files
 * are all there is to know: one that is removed is a pause that is over. */

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/macro.h"

#define PAUSE_MAX (7 * 24 * 3600) /* s; what is longer, as after a change of the clock, is over */

typedef enum PauseKind {
    PAUSE_SERVER,  /* the CA as a whole; .what is "" */
    PAUSE_ACCOUNT, /* an account: its directory */
    PAUSE_DOMAIN,  /* a name and all below it */
    PAUSE_NAMES,   /* exactly these names: sorted, one blank between */
    PAUSE_NAME,    /* a name: "*." is not part of it */
} PauseKind;

typedef struct Pause {
    PauseKind kind;
    char *server; /* URL of the CA's directory */
    char *what;
    time_t until;   /* seconds since 1970 */
    unsigned count; /* how often in a row */
    int status;     /* HTTP status for who asks meanwhile */
    char *reason;   /* the earlier one, for people */
    char *problem;  /* the CA's problem type, or NULL */
} Pause;

void pause_done(Pause *pause);

/* Seconds that it has to go; 0: it is over, and only its count is remembered. */
unsigned pause_left(const Pause *pause, time_t now);

const char *pause_kind_name(PauseKind kind); /* "server", "account", … */

/* What follows: @state is the state directory. */

/* 0; -ENOENT: there is none that is of use still; -EBADMSG: its file is damaged or of a newer
 * version; other -errno. */
int pause_load(const char *state, PauseKind kind, const char *server, const char *what, time_t now,
               Pause *ret);

int pause_save(const char *state, const Pause *pause); /* in place of an older one; 0 or -errno */

/* 0, also where there is none; -errno. */
int pause_remove(const char *state, PauseKind kind, const char *server, const char *what);

/* Called for each; negative: ends there. */
typedef int (*pause_cb)(const Pause *pause, void *userdata);

/* All that can be read, in no order. 0 or -errno; what the callback ended with. */
int pause_foreach(const char *state, pause_cb callback, void *userdata);

/* Removes what a crash left half, what is damaged, and what is over for so long that its count
 * means nothing any more. 0 or -errno. */
int pause_sweep(const char *state, time_t now);
