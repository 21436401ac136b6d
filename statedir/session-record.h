/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Data of a CA that a restart need not download again: <state directory>/session/ has a file for
 * each CA with its directory object and some nonces. */

#include <jansson.h>
#include <time.h>

#include "base/macro.h"

#define SESSION_DIRECTORY_AGE_MAX (24 * 3600) /* s; an older one is not returned */
#define SESSION_NONCE_AGE_MAX     3600        /* s; nonces expire at the CA */
#define SESSION_NONCES_KEPT       16U

typedef struct SessionRecord {
    json_t *directory; /* as the CA sent it; unchecked */
    time_t fetched;    /* seconds since 1970 */
    char **nonces;     /* oldest first; unchecked */
} SessionRecord;

void session_record_done(SessionRecord *record);

/* In all functions, @state is the state directory and @server the URL of the CA's directory. */

/* Writes the directory, and replaces an older file with its nonces. Returns 0; -E2BIG: it is larger
 * or deeper than a directory may be; other -errno. */
int session_record_save(const char *state, const char *server, const json_t *directory, time_t now);

/* Adds the last SESSION_NONCES_KEPT of these nonces to the saved directory. Returns 0, also if no
 * directory is saved; -errno. */
int session_record_add_nonces(const char *state, const char *server, char *const *nonces,
                              time_t now);

/**
 * session_record_take() - read the directory and take the nonces
 * @ret: session_record_done()
 *
 * Removes the nonces from the disk before it returns them, so that none is used twice. If they
 * cannot be removed, it returns no nonces. Returns 0; -ENOENT: there is no valid file that is new
 * enough; other -errno.
 */
int session_record_take(const char *state, const char *server, time_t now, SessionRecord *ret);

/* Removes the temporary files of a crash, and files that are too old. Returns 0 or -errno. */
int session_record_sweep(const char *state, time_t now);
