/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The certificates that this installation has: in all caches, and those that acmems-orderd keeps in
 * the state directory because no cache could store them. */

#include "config/config.h"
#include "statedir/storage/cache.h"

/* One certificate. @storage: its cache, NULL for one in the state directory. @chain may be taken.
 * Returns 0 to continue, -errno to stop. */
typedef int (*certificate_cb)(const Storage *storage, const char *key, Chain **chain,
                              void *userdata);

/* Call @look for each certificate. Entries that cannot be read are skipped. Returns 0 or -errno. */
int certificates_foreach(const Config *config, certificate_cb look, void *userdata);

/**
 * certificates_load() - find the certificate of a request
 * @key: of the request
 * @ret_why: with STORAGE_DAMAGED the reason, static
 *
 * Returns STORAGE_HIT, STORAGE_MISS, STORAGE_DAMAGED or -errno.
 */
int certificates_load(const Config *config, const char *key, Chain **ret, const char **ret_why);
