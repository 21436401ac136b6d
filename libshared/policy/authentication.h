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
 * authentication_parse() - read the header's value
 * @value: "hmac name=sha256, hash=…"; comma, comma and blank, or blank between; any case
 *
 * Returns 0; -EINVAL for another scheme, a missing, unknown or double part, an unknown digest, a
 * hash that is not hex or not of the digest's size.
 */
int authentication_parse(const char *value, Authentication *ret);

/* HMAC (RFC 2104) of the data into @out, digest->size bytes. 0 or -EIO. */
int authentication_hmac(const Digest *digest, const void *key, size_t key_size, const void *data,
                        size_t size, uint8_t out[DIGEST_SIZE_MAX]);

/* Compares in constant time. */
bool authentication_verify(const Authentication *authentication, const void *key, size_t key_size,
                           const void *body, size_t size);
