/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The keys of certificates that were revoked because the key is compromised: <state
 * directory>/revoked-keys/, one file for each, for ever. Whoever has such a key must not get a
 * certificate. */

#include <openssl/evp.h>
#include <time.h>

#include "base/macro.h"

#define REVOKED_KEYS_DIRECTORY "revoked-keys" /* below the state directory */

/* For the client that sends a request with such a key: status 415. */
#define REVOKED_KEY_SENTENCE                                                                       \
    "A certificate with this key was revoked because the key is compromised. Create a new key, "   \
    "and make the CSR with it."

/**
 * revoked_key_save() - remember a key as compromised
 * @state: the state directory
 * @serial: of the certificate, in hex, for the administrator who reads the file
 * @now: seconds since 1970
 *
 * Returns 0, also if it is remembered already; -errno.
 */
int revoked_key_save(const char *state, EVP_PKEY *key, const char *serial, time_t now);

/* Whether a key is remembered. A file counts whatever it contains. Returns 1 or 0; -errno: that
 * cannot be found out. */
int revoked_key_is_known(const char *state, EVP_PKEY *key);
