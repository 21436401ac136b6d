/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the account directory holds, read at once: the key and registration.json. */

#include <jansson.h>
#include <openssl/evp.h>

#include "base/file-stamp.h"
#include "base/macro.h"

/* Empty when zeroed. */
typedef struct AccountFiles {
    EVP_PKEY *key;
    char *thumbprint;     /* of the key (RFC 7638) */
    json_t *registration; /* NULL, one that waits for its terms, or a whole one */
    FileStamp key_stamp, registration_stamp;
} AccountFiles;

void account_files_done(AccountFiles *files);

/**
 * account_files_load() - read the directory, in place of what was read before
 * @make_key: generate and save a key where there is none yet
 *
 * 0; -ENOENT: there is no key; other -errno.
 */
int account_files_load(AccountFiles *files, const char *directory, bool make_key);

/* Saves a registration, and takes it over. 0 or -errno. */
int account_files_register(AccountFiles *files, const char *directory, json_t *registration);

/* Whether key and registration on disk are those that were loaded, and no change of the key is in
 * progress: only the CA knows then which of both keys counts. */
bool account_files_are_current(const AccountFiles *files, const char *directory);
