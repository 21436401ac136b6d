/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The certificates in the cache with their data (meta.json): looked up for a request, or stored for
 * an order. */

#include "statedir/storage/renewal.h"

typedef enum StorageResult {
    STORAGE_HIT,      /* usable, and not due for renewal */
    STORAGE_MISS,     /* not found, or storage "none" */
    STORAGE_OUTDATED, /* usable, but due for renewal */
    STORAGE_DAMAGED,  /* not usable: *ret_why says why (static) */
} StorageResult;

/**
 * storage_lookup() - look up the certificate for a request
 * @request: parsed; the leaf of the entry must have the key and the names of its CSR, and must be
 * from the CA of one of the accounts of its auth block (an entry that names no CA is accepted)
 * @ret: set with STORAGE_HIT and STORAGE_OUTDATED: the chain; chain_free()
 * @ret_why: set with STORAGE_DAMAGED: a clause for the journal, static ("csr.pem differs from the
 * request", "contains no certificate")
 *
 * Returns a StorageResult; -errno: the directory cannot be read (a missing one is STORAGE_MISS).
 */
int storage_lookup(const Storage *storage, const SignRequest *request, Chain **ret,
                   const char **ret_why);

/* Loads the chain of the entry with this key. Does not check its request or whether it is due.
 * Returns STORAGE_HIT, STORAGE_MISS, STORAGE_DAMAGED, or -errno. */
int storage_load(const Storage *storage, const char *key, Chain **ret, const char **ret_why);

/* Loads the chain of an entry by storage_load(), and its data by storage_meta_load(). Both outputs
 * are set with STORAGE_HIT only. Returns as storage_load() does. */
int storage_load_known(const Storage *storage, const char *key, Chain **ret, StorageMeta *ret_meta);

/* Computes when the entry with this key is renewed. Returns 1 with *ret; 0: the entry is not
 * usable; -errno: it cannot be read. */
int storage_renewal(const Storage *storage, const char *key, Renewal *ret);

/* The identifier of the cached certificate, which an order at the CA @server replaces (RFC 9773
 * §5). Returns a new string; NULL: the cache has no certificate from this CA that is still
 * valid. */
char *cached_renewal_id(const Storage *storage, const char *key, const char *server);

typedef struct CachedFrom {
    const char *server, *account, *auth; /* see StorageMeta */
    time_t asked;                        /* 0: no request since the previous one was issued */
} CachedFrom;

/**
 * cached_store() - store a chain and its data in a storage of type file
 * @ret: when the certificate is renewed; set if the chain is stored
 *
 * Returns 0; -errno: the chain is not stored; a positive errno: the chain is stored, but its data
 * (meta.json) is not.
 */
int cached_store(const Storage *storage, const SignRequest *request, const Chain *chain,
                 const CachedFrom *from, Renewal *ret);
