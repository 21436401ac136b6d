/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The certificates in the cache, and what is known of them: looked up for a request, or stored for
 * an order. */

#include "statedir/storage/renewal.h"

typedef enum StorageResult {
    STORAGE_HIT,      /* usable as it is */
    STORAGE_MISS,     /* not there, or storage "none" */
    STORAGE_OUTDATED, /* there, but due for renewal */
    STORAGE_DAMAGED,  /* there, but not usable: *ret_why says what (static) */
} StorageResult;

/**
 * storage_lookup() - ask the cache for a certificate
 * @request: parsed; the entry's leaf must have the key and the names of its CSR
 * @ret: with STORAGE_HIT and STORAGE_OUTDATED the chain
 * @ret_why: with STORAGE_DAMAGED a clause for the journal, static: "csr.pem is not the request",
 *           "contains no certificate"
 *
 * Returns a StorageResult, or -errno when the directory cannot be read (not when it is not there).
 */
int storage_lookup(const Storage *storage, const SignRequest *request, Chain **ret,
                   const char **ret_why);

/* The same by the entry's key and without a look at its request: STORAGE_HIT, STORAGE_MISS or
 * STORAGE_DAMAGED, or -errno. */
int storage_load(const Storage *storage, const char *key, Chain **ret, const char **ret_why);

/* The certificate of an entry and what is known of it, as storage_load() and storage_meta_load().
 * Returns as the former; both are set with STORAGE_HIT only. */
int storage_load_known(const Storage *storage, const char *key, Chain **ret, StorageMeta *ret_meta);

/* When the entry of this key is renewed: 1 with *ret; 0: it is not usable; -ENOMEM. */
int storage_renewal(const Storage *storage, const char *key, Renewal *ret);

/* The certificate that the order's replaces, as its CA @server knows it (RFC 9773 §5): new string;
 * NULL: there is none from there that still lives. */
char *cached_renewal_id(const Storage *storage, const char *key, const char *server);

typedef struct CachedFrom {
    const char *server, *account, *auth; /* see StorageMeta */
    time_t asked;                        /* 0: by nobody since the one before was issued */
} CachedFrom;

/**
 * cached_store() - store a chain in a storage of type file, with what is known of it
 * @ret: when it is renewed; set when the chain is stored
 *
 * Returns 0; -errno: the chain is not stored; a positive errno: the chain is stored, but meta.json,
 * which says what is known of it, could not be written.
 */
int cached_store(const Storage *storage, const SignRequest *request, const Chain *chain,
                 const CachedFrom *from, Renewal *ret);
