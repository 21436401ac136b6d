/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* ACME renewal information: when the CA wants a certificate renewed (RFC 9773). */

#include <time.h>

#include "libacme/transport/session.h"

/* Times are seconds since 1970. */
typedef struct RenewalInfo {
    time_t start, end;       /* the renewal window; 0: the CA has none, or an invalid one */
    const char *explanation; /* URL of a page for people; NULL: none. Borrowed from the reply */
} RenewalInfo;

/* Seconds until the CA is asked again: its Retry-After within MIN and MAX, or INTERVAL if it sent
 * none (RFC 9773 §4.3). */
#define RENEWAL_INFO_INTERVAL (6U * 3600U)
#define RENEWAL_INFO_MIN      60U
#define RENEWAL_INFO_MAX      (12U * 3600U)

/* Whether the CA offers it. @directory: as last seen; NULL: it does not. */
bool renewal_info_is_offered(const json_t *directory);

/* Requests it for a certificate. @id: from chain_renewal_id(). The rest as session_get(). */
int renewal_info_request(Session *session, const char *id, session_cb callback, void *userdata,
                         SessionCall **ret);

/* Reads the answer. Returns false if it contains no valid renewal information. */
bool renewal_info_read(const SessionReply *reply, RenewalInfo *ret);

/* The time of the next request, after an answer at @now. Spread at random, so that requests for
 * many certificates do not stay bunched. */
time_t renewal_info_next(const SessionReply *reply, time_t now);
