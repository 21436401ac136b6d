/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Going through all entries of a certificate cache, one at a time: for who counts them while it has
 * other things to do. */

#include "renewal-times.h"

typedef struct StorageScan StorageScan;

/* What an entry is, in short; times are seconds since 1970. */
typedef struct StorageEntry {
    char key[STORAGE_KEY_SIZE]; /* as of storage_key() */
    char fingerprint[CHAIN_FINGERPRINT_SIZE];
    time_t not_after;
    RenewalTimes times;
    time_t asked, ask_at; /* as in StorageMeta */
} StorageEntry;

/* @storage: of type file; copied. 0 or -ENOMEM. */
int storage_scan_new(const Storage *storage, StorageScan **ret);
StorageScan *storage_scan_free(StorageScan *scan); /* always returns NULL */

/* Looks at one more entry. What is no usable one is passed over, also what cannot be read:
 * storage_lookup() says so when it is asked for. 1 with an entry; 0 when there are no more;
 * -ENOMEM. */
int storage_scan_next(StorageScan *scan, StorageEntry *ret);

/* The same of the one entry that has this key: 1; 0 when it is not usable; -ENOMEM. */
int storage_look(const Storage *storage, const char *key, StorageEntry *ret);

DEFINE_CLEANUP_FUNC(StorageScan *, storage_scan_free)
