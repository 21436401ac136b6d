/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The private key of an account in PEM form. */

#include <openssl/evp.h>
#include <stddef.h>

/* Enough for any reason. */
#define ACCOUNT_KEY_WHY_SIZE 256

/**
 * account_key_parse() - parse an unencrypted key in PEM form: PKCS#1, SEC1 or PKCS#8
 * @why: on failure the reason, a clause: "it is an Ed25519 key; acmems uses …"
 * @ret: EVP_PKEY_free()
 *
 * Accepts keys for the JWS algorithms RS256, ES256 and ES384 (RFC 7518 §3.1): RSA that
 * rsa_key_is_accepted(), P-256 and P-384. 0; -EBADMSG: it is another key, or none; -ENOMEM.
 */
int account_key_parse(const char *pem, size_t size, char why[ACCOUNT_KEY_WHY_SIZE], EVP_PKEY **ret);
