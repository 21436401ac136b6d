/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* When a CA wants a certificate to be renewed (RFC 9773). */

#include <time.h>

#include "libacme/transport/session.h"

/* What it said; times are seconds since 1970. */
typedef struct RenewalInfo {
    time_t start, end;       /* the window; 0: the CA has none for it, or none that makes sense */
    const char *explanation; /* URL of a page for people; NULL: none. Borrowed from the reply */
} RenewalInfo;

/* The CA is asked again after so long, s: as it says, but within these bounds, or else as
 * RENEWAL_INFO_INTERVAL says (RFC 9773 §4.3). */
#define RENEWAL_INFO_INTERVAL (6U * 3600U)
#define RENEWAL_INFO_MIN      60U
#define RENEWAL_INFO_MAX      (12U * 3600U)

/* Whether the CA has such a thing: by its directory as it was last seen, NULL: it does not. */
bool renewal_info_is_offered(const json_t *directory);

/* Asks for the certificate of this chain_renewal_id(), as session_get(). */
int renewal_info_request(Session *session, const char *id, session_cb callback, void *userdata,
                         SessionCall **ret);

/* Reads the answer. False: it is none. */
bool renewal_info_read(const SessionReply *reply, RenewalInfo *ret);

/* Until when the CA is not asked again, after its answer came at @now; spread, so that questions do
 * not come in a row for ever. */
time_t renewal_info_next(const SessionReply *reply, time_t now);
