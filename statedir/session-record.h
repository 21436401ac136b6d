/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What a restart need not ask a CA for again: <state directory>/session/, a file for each CA with
 * its directory object and some nonces. */

#include <jansson.h>
#include <time.h>

#include "base/macro.h"

#define SESSION_DIRECTORY_AGE_MAX (24 * 3600) /* s; what is older is not given out */
#define SESSION_NONCE_AGE_MAX     3600        /* s; a CA forgets nonces */
#define SESSION_NONCES_KEPT       16U

typedef struct SessionRecord {
    json_t *directory; /* as the CA gave it; unchecked */
    time_t fetched;    /* seconds since 1970 */
    char **nonces;     /* oldest first; unchecked */
} SessionRecord;

void session_record_done(SessionRecord *record);

/* What follows: @state is the state directory, @server the URL of the CA's directory. */

/* Writes the directory in place of what was there, nonces among it. 0; -E2BIG: it is larger than a
 * directory may be; other -errno. */
int session_record_save(const char *state, const char *server, const json_t *directory, time_t now);

/* Puts the last SESSION_NONCES_KEPT of these nonces to the directory that was saved. 0, also where
 * there is none; -errno. */
int session_record_add_nonces(const char *state, const char *server, char *const *nonces,
                              time_t now);

/**
 * session_record_take() - what there is still of use
 *
 * The nonces are gone from the disk before they are given out, so that none is used twice; where
 * that fails there are none. Returns 0; -ENOENT: there is nothing, or nothing that can be made
 * sense of; other -errno.
 */
int session_record_take(const char *state, const char *server, time_t now, SessionRecord *ret);

/* Removes what a crash left half, and what is too old. 0 or -errno. */
int session_record_sweep(const char *state, time_t now);
