/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Going through all entries of a certificate cache, one at a time: for who counts them while it has
 * other things to do. */

#include "statedir/storage/cache.h"

typedef struct StorageScan StorageScan;

/* @storage: of type file; copied. 0 or -ENOMEM. */
int storage_scan_new(const Storage *storage, StorageScan **ret);
StorageScan *storage_scan_free(StorageScan *scan); /* always returns NULL */

/* From here on what a crash left half in an entry is removed: for the one who writes there, between
 * two writes of its own. */
void storage_scan_set_cleaning(StorageScan *scan);

/**
 * storage_scan_next() - look at one more entry
 * @key: its name, as of storage_key()
 * @ret: when it is renewed
 *
 * What is no usable entry is passed over, also what cannot be read: storage_lookup() says so when
 * it is asked for. Returns 1 with an entry; 0 when there are no more; -ENOMEM; other -errno: a
 * directory of the cache cannot be read, and the next call goes on behind it.
 */
int storage_scan_next(StorageScan *scan, char key[STORAGE_KEY_SIZE], Renewal *ret);

DEFINE_CLEANUP_FUNC(StorageScan *, storage_scan_free)
