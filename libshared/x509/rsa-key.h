/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Limits for RSA keys from outside: operations with larger ones take seconds (RFC 8017 §3.1). */

#include <openssl/evp.h>
#include <stdbool.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

/* Whether an RSA key has RSA_BITS_MIN to RSA_BITS_MAX bits, and an odd public exponent of 17 to 33
 * bits: from 65537 on, and small enough to verify quickly. Verifies nothing with the key. */
bool rsa_key_is_accepted(const EVP_PKEY *key);
