/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* When a cached certificate is to be renewed: the one answer that all programs go by. */

#include "storage-meta.h"

/* Seconds since 1970. */
typedef struct RenewalTimes {
    /* The CA's window (RFC 9773 §4.2); without one, from chain_renewal() until half of the time
     * that is left then is over. */
    time_t begin, end;
    time_t due; /* who asks after this is to have a new one */
} RenewalTimes;

/* A window that begins after the end of the certificate's life is none. */
void renewal_times(const Storage *storage, const Chain *chain, const StorageMeta *meta,
                   RenewalTimes *ret);
