/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/rsa-key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>

#include "base/macro.h"

#define EXPONENT_BITS_MIN 17
#define EXPONENT_BITS_MAX 33

DEFINE_CLEANUP_FUNC(BIGNUM *, BN_free)

bool rsa_key_is_accepted(const EVP_PKEY *key)
{
    _cleanup_(BN_freep) BIGNUM *exponent = NULL;
    int bits = EVP_PKEY_get_bits(key);

    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return false;
    if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent))
        return false;
    bits = BN_num_bits(exponent);
    return bits >= EXPONENT_BITS_MIN && bits <= EXPONENT_BITS_MAX && BN_is_odd(exponent);
}
