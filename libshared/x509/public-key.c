/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/public-key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "strings/encode.h"

DEFINE_CLEANUP_FUNC(EVP_PKEY *, EVP_PKEY_free)

/* Each returns NULL when libcrypto cannot do it. */

/* A key keeps the form in which it was read: uncompressed points of a named curve are the usual
 * one. */
static EVP_PKEY *normalize_ec(EVP_PKEY *key)
{
    _cleanup_(EVP_PKEY_freep) EVP_PKEY *copy = EVP_PKEY_dup(key);

    if (!copy ||
        EVP_PKEY_set_utf8_string_param(copy, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                       OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1 ||
        EVP_PKEY_set_utf8_string_param(copy, OSSL_PKEY_PARAM_EC_ENCODING,
                                       OSSL_PKEY_EC_ENCODING_GROUP) != 1)
        return NULL;
    return TAKE_PTR(copy);
}

static EVP_PKEY *normalize(EVP_PKEY *key)
{
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
        return normalize_ec(key);
    return EVP_PKEY_up_ref(key) == 1 ? key : NULL;
}

static int hash_key(EVP_PKEY *key, char ret[PUBLIC_KEY_HASH_SIZE])
{
    _cleanup_(EVP_PKEY_freep) EVP_PKEY *normal = normalize(key);
    unsigned char hash[(PUBLIC_KEY_HASH_SIZE - 1) / 2], *der = NULL;
    int size = normal ? i2d_PUBKEY(normal, &der) : -1, ok;

    if (size <= 0)
        return -ENOMEM;
    ok = EVP_Q_digest(NULL, "SHA256", NULL, der, (size_t)size, hash, NULL);
    OPENSSL_free(der);
    if (ok != 1)
        return -ENOMEM;
    hex_encode(hash, sizeof(hash), ret);
    return 0;
}

int public_key_hash(EVP_PKEY *key, char ret[PUBLIC_KEY_HASH_SIZE])
{
    int r = hash_key(key, ret);

    /* Errors must not appear in the next TLS connection. */
    ERR_clear_error();
    return r;
}
