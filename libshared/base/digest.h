/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Digests that an HMAC may be made with: one table for the configuration and for the Authentication
 * header. It needs no libcrypto, which a program that only reads the configuration does not load.
 */

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_SIZE_MAX 64

typedef struct Digest {
    const char *name;    /* as in the configuration: "sha256", "sha3-256" */
    const char *openssl; /* name in OpenSSL */
    size_t size;         /* of the result, bytes */
} Digest;

/**
 * digest_find() - look up a digest by any of its usual spellings
 * @name: "sha256", "SHA-256", "sha2-256", "sha3_256", …
 * @length: length of @name
 *
 * Returns NULL if it is unknown or broken; digest_is_broken() tells whether it is broken (md5, sha1
 * and similar).
 */
const Digest *digest_find(const char *name, size_t length);
bool digest_is_broken(const char *name, size_t length);
