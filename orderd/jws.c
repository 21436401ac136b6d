/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "encode.h"
#include "macro.h"

/* The curves that sign, and how. */
typedef struct Curve {
    const char *group; /* OpenSSL's name */
    const char *crv;   /* RFC 7518 §6.2.1.1 */
    const char *alg;   /* RFC 7518 §3.1 */
    size_t size;       /* bytes of a coordinate */
} Curve;

static const Curve curves[] = {
    { "prime256v1", "P-256", "ES256", 32 },
    { "secp384r1", "P-384", "ES384", 48 },
};

DEFINE_CLEANUP_FUNC(BIGNUM *, BN_free)
DEFINE_CLEANUP_FUNC(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP_FUNC(ECDSA_SIG *, ECDSA_SIG_free)

static const Curve *key_curve(EVP_PKEY *key)
{
    char group[64];

    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
        !EVP_PKEY_get_group_name(key, group, sizeof(group), NULL))
        return NULL;
    for (size_t i = 0; i < ELEMENTSOF(curves); i++)
        if (streq(curves[i].group, group))
            return &curves[i];
    return NULL;
}

/* A number of the key as base64url: of @size bytes, or as few as it takes when 0 (RFC 7518 §2). */
static char *key_number(EVP_PKEY *key, const char *parameter, size_t size)
{
    _cleanup_(BN_freep) BIGNUM *number = NULL;
    _cleanup_free_ unsigned char *bytes = NULL;

    if (!EVP_PKEY_get_bn_param(key, parameter, &number))
        return NULL;
    if (size == 0)
        size = (size_t)BN_num_bytes(number);
    bytes = malloc(size);
    if (!bytes || BN_bn2binpad(number, bytes, (int)size) < 0)
        return NULL;
    return base64url_encode(bytes, size);
}

int jwk_from_key(EVP_PKEY *key, json_t **ret)
{
    _cleanup_free_ char *a = NULL, *b = NULL;
    const Curve *curve = key_curve(key);
    json_t *jwk;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        a = key_number(key, OSSL_PKEY_PARAM_RSA_E, 0);
        b = key_number(key, OSSL_PKEY_PARAM_RSA_N, 0);
        jwk = a && b ? json_pack("{ssssss}", "e", a, "kty", "RSA", "n", b) : NULL;
    } else if (curve) {
        a = key_number(key, OSSL_PKEY_PARAM_EC_PUB_X, curve->size);
        b = key_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, curve->size);
        jwk =
            a && b ? json_pack("{ssssssss}", "crv", curve->crv, "kty", "EC", "x", a, "y", b) : NULL;
    } else
        return -EOPNOTSUPP;

    if (!jwk)
        return -ENOMEM;
    *ret = jwk;
    return 0;
}

int jwk_thumbprint(EVP_PKEY *key, char **ret)
{
    json_auto_t *jwk = NULL;
    _cleanup_free_ char *canonical = NULL;
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char *thumbprint;
    int r;

    r = jwk_from_key(key, &jwk);
    if (r < 0)
        return r;
    /* RFC 7638 §3.3: the required members only, sorted, no blanks; our JWKs have no others. */
    canonical = json_dumps(jwk, JSON_SORT_KEYS | JSON_COMPACT);
    if (!canonical)
        return -ENOMEM;
    SHA256((unsigned char *)canonical, strlen(canonical), hash);
    thumbprint = base64url_encode(hash, sizeof(hash));
    if (!thumbprint)
        return -ENOMEM;
    *ret = thumbprint;
    return 0;
}

/* DER of an ECDSA signature to raw R || S (RFC 7518 §3.4). */
static int signature_to_raw(const unsigned char *der, size_t size, const Curve *curve,
                            unsigned char *raw)
{
    _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)size);

    if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)curve->size) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + curve->size, (int)curve->size) < 0)
        return -EIO;
    return 0;
}

static int sign(EVP_PKEY *key, const char *input, char **ret)
{
    _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
    _cleanup_free_ unsigned char *signature = NULL;
    const Curve *curve = key_curve(key);
    const EVP_MD *digest = curve && curve->size == 48 ? EVP_sha384() : EVP_sha256();
    unsigned char raw[2 * 48];
    size_t size = (size_t)EVP_PKEY_get_size(key);
    char *encoded;
    int r;

    signature = malloc(size);
    if (!context || !signature)
        return -ENOMEM;
    if (EVP_DigestSignInit(context, NULL, digest, NULL, key) <= 0 ||
        EVP_DigestSign(context, signature, &size, (const unsigned char *)input, strlen(input)) <= 0)
        return -EIO;
    if (curve) {
        r = signature_to_raw(signature, size, curve, raw);
        if (r < 0)
            return r;
        encoded = base64url_encode(raw, 2 * curve->size);
    } else
        encoded = base64url_encode(signature, size);
    if (!encoded)
        return -ENOMEM;
    *ret = encoded;
    return 0;
}

int jws_sign(EVP_PKEY *key, const char *kid, const char *nonce, const char *url,
             const char *payload, char **ret)
{
    json_auto_t *header = NULL, *jws = NULL, *jwk = NULL;
    _cleanup_free_ char *header_text = NULL, *protected_part = NULL, *payload_part = NULL,
                        *input = NULL, *signature = NULL;
    const Curve *curve = key_curve(key);
    char *text;
    int r;

    if (!curve && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
        return -EOPNOTSUPP;
    header = json_pack("{ssssss}", "alg", curve ? curve->alg : "RS256", "nonce", nonce, "url", url);
    if (!header)
        return -ENOMEM;
    if (kid)
        r = json_object_set_new(header, "kid", json_string(kid));
    else {
        r = jwk_from_key(key, &jwk);
        if (r < 0)
            return r;
        r = json_object_set(header, "jwk", jwk);
    }
    if (r < 0)
        return -ENOMEM;

    header_text = json_dumps(header, JSON_COMPACT);
    protected_part = header_text ? base64url_encode(header_text, strlen(header_text)) : NULL;
    payload_part = base64url_encode(payload, strlen(payload));
    if (!protected_part || !payload_part)
        return -ENOMEM;
    if (asprintf(&input, "%s.%s", protected_part, payload_part) < 0) {
        input = NULL;
        return -ENOMEM;
    }
    r = sign(key, input, &signature);
    if (r < 0)
        return r;

    jws = json_pack("{ssssss}", "payload", payload_part, "protected", protected_part, "signature",
                    signature);
    text = jws ? json_dumps(jws, JSON_COMPACT) : NULL;
    if (!text)
        return -ENOMEM;
    *ret = text;
    return 0;
}
