/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The certificate cache, in the layout of the Python acme-mgmtserver:
 * <directory>/<h[0:2]>/<h[2:]>/csr.pem and cert.pem, h = lower-case hex SHA-384 of the request
 * body, byte for byte. */

#include "config/config.h"
#include "x509/chain.h"

#define STORAGE_KEY_SIZE 97 /* 96 hex digits and NUL */

/* SHA-384 of a request body, in hex: the name of a cache entry and of an order. */
void storage_key(const void *body, size_t size, char key[STORAGE_KEY_SIZE]);

/* Whether it may be one: anything else would lead anywhere, as a part of a path. */
bool storage_is_key(const char *text);

/* A number made of a key, which is a hash: as good as one by chance, and the same after a restart.
 */
uint32_t storage_key_dice(const char *key);

#define STORAGE_CERT_FILE "cert.pem"

typedef enum StorageResult {
    STORAGE_HIT,      /* usable as it is */
    STORAGE_MISS,     /* not there, or storage "none" */
    STORAGE_OUTDATED, /* there, but due for renewal */
    STORAGE_DAMAGED,  /* there, but not usable: *ret_why says what (static) */
} StorageResult;

/**
 * storage_lookup() - ask the cache for a certificate
 * @csr: the parsed body; the entry's leaf must have its key and names
 * @ret: with STORAGE_HIT and STORAGE_OUTDATED the chain
 * @ret_why: with STORAGE_DAMAGED a clause for the journal, static: "csr.pem is not the request",
 *           "contains no certificate"
 *
 * Returns a StorageResult, or -errno when the directory cannot be read (not when it is not there).
 */
int storage_lookup(const Storage *storage, const void *body, size_t size, const Csr *csr,
                   Chain **ret, const char **ret_why);

/* The same by the entry's key and without a look at its request: STORAGE_HIT, STORAGE_MISS or
 * STORAGE_DAMAGED, or -errno. */
int storage_load(const Storage *storage, const char *key, Chain **ret, const char **ret_why);

/* The directory of an entry that is there: a descriptor, or -errno. */
int storage_open_entry(const Storage *storage, const char *key);

/* The request of an entry of a storage of type file. 0; -ENOENT: there is none; -EBADMSG: csr.pem
 * is not what the entry is named after, or larger than a request can be; other -errno. */
int storage_request(const Storage *storage, const char *key, char **ret, size_t *ret_size);

/* Removes the certificate of an entry of a storage of type file: its request is then ordered anew.
 * 0, also where there is none; -errno. */
int storage_drop(const Storage *storage, const char *key);

/* Makes the entry that a chain is to go into, csr.pem in it: what cannot be stored afterwards shows
 * now. Storage "none": does nothing. 0 or -errno. */
int storage_prepare(const Storage *storage, const void *body, size_t size);

/* Stores a chain, atomically, csr.pem first, cert.pem last (its appearance makes the entry); what a
 * crash left in the entry is removed. Not for two writers of one entry at once. Storage "none":
 * does nothing. Modes 0750 and 0640. 0 or -errno. */
int storage_store(const Storage *storage, const void *body, size_t size, const Chain *chain);
