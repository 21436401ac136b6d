/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Digests that an HMAC may be made with: one table for the config and for the Authentication
 * header. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* HMAC (RFC 2104) of the data into @out, digest->size bytes. 0 or -ENOMEM, -EIO. */
int digest_hmac(const Digest *digest, const void *key, size_t key_size, const void *data,
                size_t size, uint8_t out[DIGEST_SIZE_MAX]);
