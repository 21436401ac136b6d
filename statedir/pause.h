/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Pauses: requests that are not sent to the CA for some time, and why. <state directory>/backoff/
 * has a file for each. No state is kept in memory: removing a file ends the pause. */

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/macro.h"

#define PAUSE_MAX (7 * 24 * 3600) /* s; a longer one (the clock was set back) is over */

typedef enum PauseKind {
    PAUSE_SERVER,  /* all requests to the CA; .what is "" */
    PAUSE_ACCOUNT, /* an account; .what is its directory */
    PAUSE_DOMAIN,  /* a name and all names below it */
    PAUSE_NAMES,   /* exactly these names: sorted, separated by one space */
    PAUSE_NAME,    /* a name without "*." */
} PauseKind;

typedef struct Pause {
    PauseKind kind;
    char *server; /* URL of the CA's directory */
    char *what;
    time_t since;   /* when it was written, seconds since 1970; 0: unknown */
    time_t until;   /* seconds since 1970 */
    unsigned count; /* failures in a row */
    int status;     /* HTTP status of responses during the pause */
    char *reason;   /* text of the failure, for people */
    char *problem;  /* the CA's problem type, or NULL */
} Pause;

void pause_done(Pause *pause);

/* The seconds that remain; 0: the pause is over, and the file is kept only for its count. A pause
 * that was written in the future is over: the clock was wrong then. */
unsigned pause_left(const Pause *pause, time_t now);

const char *pause_kind_name(PauseKind kind); /* "server", "account", … */

/* In all functions below, @state is the state directory. */

/* Reads a pause. Removes it if it ended at least a day ago, would end later than PAUSE_MAX from
 * now, or was written in the future. @ret: pause_done(). Returns 0; -ENOENT: there is none;
 * -EBADMSG: the file is damaged or has another version; other -errno. */
int pause_load(const char *state, PauseKind kind, const char *server, const char *what, time_t now,
               Pause *ret);

/* Writes a pause, and replaces an older one. Returns 0 or -errno. */
int pause_save(const char *state, const Pause *pause);

/* Removes a pause. Returns 0, also if it does not exist; -errno. */
int pause_remove(const char *state, PauseKind kind, const char *server, const char *what);

/* Called for each pause; a negative return value ends the iteration. */
typedef int (*pause_cb)(const Pause *pause, void *userdata);

/* Calls back for all pauses that can be read, in no order. Returns 0, -errno, or the negative value
 * of the callback. */
int pause_foreach(const char *state, pause_cb callback, void *userdata);

/* Removes the temporary files of a crash, damaged files, and the pauses that pause_load() removes.
 * Returns 0 or -errno. */
int pause_sweep(const char *state, time_t now);
