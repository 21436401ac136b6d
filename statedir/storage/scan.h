/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Iteration over all entries of a certificate cache, one in each call, so that an event loop can do
 * other work between two entries. */

#include "statedir/storage/cache.h"

typedef struct StorageScan StorageScan;

/* Creates a scan. @storage: of type file; copied. Returns 0 or -ENOMEM. */
int storage_scan_new(const Storage *storage, StorageScan **ret);
StorageScan *storage_scan_free(StorageScan *scan); /* always returns NULL */

/* Lets the scan remove the temporary files of a crash from each entry. Only for the process that
 * writes to the cache, and not during a write. */
void storage_scan_set_cleaning(StorageScan *scan);

/**
 * storage_scan_next() - find the next usable entry
 * @key: set to the key of the entry
 * @ret: set to the time when it is renewed
 *
 * Skips entries that are damaged or cannot be read: storage_lookup() reports them at the next
 * request. Returns 1 with an entry; 0: no more entries; -ENOMEM; other -errno: a directory of the
 * cache cannot be read, and the next call continues after it.
 */
int storage_scan_next(StorageScan *scan, char key[STORAGE_KEY_SIZE], Renewal *ret);

DEFINE_CLEANUP_FUNC(StorageScan *, storage_scan_free)
