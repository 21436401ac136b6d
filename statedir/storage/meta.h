/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What is known of a cached certificate besides itself: meta.json beside cert.pem. */

#include "statedir/storage/storage.h"

/* All of it may be missing: strings NULL, times 0. Times are seconds since 1970. */
typedef struct StorageMeta {
    char *server;  /* URL of the CA's directory that it is from */
    char *account; /* name of the account's block there */
    char *auth;    /* name of the auth block that it was last asked for by */
    time_t asked;  /* when a client last asked for it; not by more than a day too early */
    /* RFC 9773: when the CA wants it to be renewed, … */
    time_t window_start, window_end;
    char *explanation; /* … and a page that says why */
    time_t ask_at;     /* when the CA is asked for that (again) */
} StorageMeta;

void storage_meta_done(StorageMeta *meta);

/**
 * storage_meta_load() - what is known of the certificate that an entry has
 * @chain: that is in it; what is known of another one does not count
 *
 * What cannot be read counts as not known; then .asked is when cert.pem was written. Returns 0, or
 * -ENOMEM.
 */
int storage_meta_load(const Storage *storage, const char *key, const Chain *chain,
                      StorageMeta *ret);

/* Writes it, atomically. 0 or -errno. */
int storage_meta_save(const Storage *storage, const char *key, const Chain *chain,
                      const StorageMeta *meta);
