/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The request header "Authentication: hmac name=sha256, hash=<hex>". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

typedef struct Authentication {
    const Digest *digest;
    uint8_t hash[DIGEST_SIZE_MAX]; /* digest->size bytes */
} Authentication;

/**
 * authentication_parse() - parse the value of the header
 * @value: "hmac name=sha256, hash=…"; separated by comma, blank or both; any case
 *
 * Returns 0; -EINVAL for another scheme, a missing, unknown or repeated part, an unknown digest, a
 * hash that is not hex or has the wrong size.
 */
int authentication_parse(const char *value, Authentication *ret);

/* Computes the HMAC (RFC 2104) of the data into @out, digest->size bytes. Returns 0 or -EIO. */
int authentication_hmac(const Digest *digest, const void *key, size_t key_size, const void *data,
                        size_t size, uint8_t out[DIGEST_SIZE_MAX]);

/* Whether the body has this HMAC under the key. Compares in constant time. */
bool authentication_verify(const Authentication *authentication, const void *key, size_t key_size,
                           const void *body, size_t size);
