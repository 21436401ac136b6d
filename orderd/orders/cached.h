/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the cache has for an order before it begins, and has of it in the end. */

#include "statedir/storage/renewal.h"

/* The certificate that the order's replaces, as its CA @server knows it (RFC 9773 §5): new string;
 * NULL: there is none from there that still lives. */
char *cached_renewal_id(const Storage *storage, const char *key, const char *server);

typedef struct CachedFrom {
    const char *server, *account, *auth; /* see StorageMeta */
    time_t asked;                        /* 0: by nobody since the one before was issued */
} CachedFrom;

/* Puts the chain into a storage of type file, with what is known of it. 0, or -errno: it is not
 * there. */
int cached_store(const Storage *storage, const void *body, size_t size, const Chain *chain,
                 const CachedFrom *from, Renewal *ret);
