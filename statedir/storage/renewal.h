/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* When a cached certificate is renewed: in the window that its CA names (RFC 9773), or else from
 * renew-within of its storage on. */

#include "statedir/storage/meta.h"

/* Seconds since 1970. */
typedef struct Renewal {
    time_t due;       /* from then on a request has it ordered anew */
    time_t at;        /* then acmems-orderd does so by itself; 0: never … */
    time_t forget_at; /* … and from then on not any more: nobody has asked for it in so long */
    time_t ask_at;    /* then the CA is asked for its window; 0: it was not asked yet */
    time_t not_after; /* the end of its life */
} Renewal;

/* @key: of the entry; gives each one another moment of the window, but always the same. */
Renewal renewal_of(const Storage *storage, const char *key, const Chain *chain,
                   const StorageMeta *meta);
