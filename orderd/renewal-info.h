/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* When the CA wants a certificate to be renewed (RFC 9773, ARI). */

#include "chain.h"
#include "session.h"

#define RENEWAL_INFO_RESOURCE "renewalInfo" /* in the directory */

/* The leaf's identifier (RFC 9773 §4.1). New string; NULL: it has none, for want of an authority
 * key identifier, or out of memory. */
char *renewal_info_identifier(const Chain *chain);

typedef struct RenewalInfo {
    time_t start, end; /* of the suggested window, seconds since 1970 */
    char *explanation; /* URL for people, https and fit for a terminal; NULL: none */
} RenewalInfo;

void renewal_info_done(RenewalInfo *info);

/* Reads what the CA answered (RFC 9773 §4.2). 0; -EBADMSG: no window in it that could be used;
 * -ENOMEM. */
int renewal_info_parse(const json_t *object, RenewalInfo *ret);

#define RENEWAL_INFO_ASK_MIN 60U           /* s */
#define RENEWAL_INFO_ASK_MAX (12U * 3600U) /* twice a day at the least */

/* In how many seconds the CA is to be asked again (RFC 9773 §4.3): after its Retry-After (s, 0:
 * none), spread by chance, within these bounds. */
unsigned renewal_info_pause(unsigned retry_after);

/* The same after @failures in a row; the longer the more there are, up to 6 h. */
unsigned renewal_info_pause_failed(unsigned failures, unsigned retry_after);
