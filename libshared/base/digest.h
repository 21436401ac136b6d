/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Digests that an HMAC may be made with: one table for the configuration and for the Authentication
 * header. It needs no libcrypto, which a program that only reads the configuration does not load.
 */

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_SIZE_MAX 64

typedef struct Digest {
    const char *name;    /* as the config writes it: "sha256", "sha3-256" */
    const char *openssl; /* as OpenSSL calls it */
    size_t size;         /* of the result, bytes */
} Digest;

/**
 * digest_find() - look a digest up by any of its usual spellings
 * @name: "sha256", "SHA-256", "sha2-256", "sha3_256", …
 * @length: length of @name
 *
 * Returns NULL when unknown or broken; digest_is_broken() tells the second (md5, sha1 and their
 * like).
 */
const Digest *digest_find(const char *name, size_t length);
bool digest_is_broken(const char *name, size_t length);
