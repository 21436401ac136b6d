/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* When a cached certificate is renewed: in the window that its CA suggests (RFC 9773), otherwise
 * in the last renew-within days of its validity (a setting of its storage). */

#include "statedir/storage/meta.h"

/* Times in seconds since 1970. */
typedef struct Renewal {
    time_t due;       /* from this time, a request starts an order */
    time_t at;        /* when acmems-orderd renews it without a request; 0: never */
    time_t forget_at; /* from this time it does not, as the last request is too old */
    time_t ask_at;    /* when the CA is next queried for the window; 0: it was not queried yet */
    time_t not_after; /* when the certificate expires */
} Renewal;

/* Computes when an entry is renewed. @key: of the entry; it selects the time in the window, which
 * is the same for each call but differs between entries. */
Renewal renewal_of(const Storage *storage, const char *key, const Chain *chain,
                   const StorageMeta *meta);
