/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Apart from digest.c: who only reads the configuration does not load libcrypto. */

#include <errno.h>
#include <openssl/evp.h>

#include "base/digest.h"

int digest_hmac(const Digest *digest, const void *key, size_t key_size, const void *data,
                size_t size, uint8_t out[DIGEST_SIZE_MAX])
{
    size_t written = 0;

    if (!EVP_Q_mac(NULL, "HMAC", NULL, digest->openssl, NULL, key, key_size, data, size, out,
                   DIGEST_SIZE_MAX, &written))
        return -EIO;
    return written == digest->size ? 0 : -EIO;
}
