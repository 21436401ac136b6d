/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What is known of a cached certificate beside itself: meta.json in its entry. A help and no more:
 * where it is missing, damaged, of a newer version or about another certificate, there is none. */

#include "storage.h"

#define STORAGE_META_STRING_MAX 1000U /* bytes, of each string */

typedef struct StorageMeta {
    char *server; /* URL of the directory of the CA that issued it; NULL: not known, as the next */
    char *auth;   /* name of the auth block that it was ordered or asked for by last */
    time_t asked; /* when a client asked for it last; seconds since 1970, as the other times */
    /* When the CA wants it to be renewed (RFC 9773 §4.2); 0: it did not say. */
    time_t window_start, window_end;
    char *explanation; /* URL, of why it wants that; NULL: none */
    time_t ask_at;     /* when the CA is to be asked for that again; 0: it was not asked yet */
} StorageMeta;

void storage_meta_done(StorageMeta *meta);

/* Of the entry in this directory, which @chain was read from. Where there is none a client asked
 * when cert.pem was written. Never fails: it is to keep nobody from being served. */
void storage_meta_load_at(int entry_fd, const Chain *chain, StorageMeta *ret);
void storage_meta_load(const Storage *storage, const char *key, const Chain *chain,
                       StorageMeta *ret);

/* Writes it, atomically; only for who writes the entry. Storage "none": does nothing. 0 or -errno.
 */
int storage_meta_save(const Storage *storage, const char *key, const Chain *chain,
                      const StorageMeta *meta);

#define _cleanup_storage_meta_ _cleanup_(storage_meta_done)
