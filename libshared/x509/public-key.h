/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Public keys of requests and certificates. */

#include <openssl/evp.h>

#include "base/macro.h"

#define PUBLIC_KEY_HASH_SIZE 65 /* 64 hex digits and NUL */

/* Computes the SHA-256 of the key's SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), in lower-case hex. It
 * depends on the key alone, not on how its encoding was spelled: an EC point may be compressed.
 * Returns 0; -ENOMEM: out of memory, or libcrypto cannot do it. */
int public_key_hash(EVP_PKEY *key, char ret[PUBLIC_KEY_HASH_SIZE]) _warn_unused_;
