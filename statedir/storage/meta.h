/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Data about a cached certificate: meta.json, beside cert.pem. */

#include "statedir/storage/storage.h"

/* Each member may be missing: strings NULL, times 0. Times are in seconds since 1970. */
typedef struct StorageMeta {
    char *server;  /* directory URL of the CA that issued it */
    char *account; /* name of the account block used there */
    char *auth;    /* name of the auth block of the last request */
    time_t asked;  /* time of the last request; may be up to a day too early */
    /* RFC 9773: the renewal window that the CA suggests, … */
    time_t window_start, window_end;
    char *explanation; /* … and the URL of a page that explains it */
    time_t ask_at;     /* when the CA is next queried for the window */
} StorageMeta;

void storage_meta_done(StorageMeta *meta);

/**
 * storage_meta_load() - load the data about the certificate of an entry
 * @chain: the chain in the entry; data about another certificate is ignored
 * @ret: storage_meta_done()
 *
 * A file that cannot be read or used counts as missing. If the time of the last request is missing,
 * .asked is the time when cert.pem was written. Returns 0 or -ENOMEM.
 */
int storage_meta_load(const Storage *storage, const char *key, const Chain *chain,
                      StorageMeta *ret);

/* Writes the data about @chain, atomically. Returns 0 or -errno. */
int storage_meta_save(const Storage *storage, const char *key, const Chain *chain,
                      const StorageMeta *meta);
