/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/jws.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "base/macro.h"
#include "strings/encode.h"

/* The supported curves and their algorithms. */
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

/* Encodes a number of the key as base64url, padded to @size bytes; 0: without padding (RFC 7518
 * §2). */
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
    /* RFC 7638 §3.3: only the required members, sorted, without blanks. Our JWKs have no others. */
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

/* Converts a DER ECDSA signature to raw R || S (RFC 7518 §3.4). */
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

static int sign_hmac(const void *secret, size_t size, const char *input, char **ret)
{
    unsigned char mac[SHA256_DIGEST_LENGTH];
    char *encoded;

    if (size > INT_MAX || !HMAC(EVP_sha256(), secret, (int)size, (const unsigned char *)input,
                                strlen(input), mac, NULL))
        return -EIO;
    encoded = base64url_encode(mac, sizeof(mac));
    if (!encoded)
        return -ENOMEM;
    *ret = encoded;
    return 0;
}

/* The parts of a JWS (RFC 7515 §5.1). */
typedef struct Parts {
    char *protected_part, *payload;
    char *input; /* of the signature */
    char *signature;
} Parts;

static void parts_done(Parts *parts)
{
    free(parts->protected_part);
    free(parts->payload);
    free(parts->input);
    free(parts->signature);
}

static int parts_begin(Parts *parts, const json_t *header, const char *payload)
{
    _cleanup_free_ char *text = json_dumps(header, JSON_COMPACT);

    parts->protected_part = text ? base64url_encode(text, strlen(text)) : NULL;
    parts->payload = base64url_encode(payload, strlen(payload));
    if (!parts->protected_part || !parts->payload)
        return -ENOMEM;
    if (asprintf(&parts->input, "%s.%s", parts->protected_part, parts->payload) < 0) {
        parts->input = NULL;
        return -ENOMEM;
    }
    return 0;
}

static int parts_flatten(const Parts *parts, json_t **ret)
{
    json_t *jws = json_pack("{ssssss}", "payload", parts->payload, "protected",
                            parts->protected_part, "signature", parts->signature);

    if (!jws)
        return -ENOMEM;
    *ret = jws;
    return 0;
}

int jws_sign(EVP_PKEY *key, const JwsHeader *header, const char *payload, json_t **ret)
{
    _cleanup_(parts_done) Parts parts = { 0 };
    json_auto_t *protected_header = NULL, *jwk = NULL;
    const Curve *curve = key_curve(key);
    int r;

    if (!curve && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
        return -EOPNOTSUPP;
    if (!header->kid) {
        r = jwk_from_key(key, &jwk);
        if (r < 0)
            return r;
    }
    protected_header = json_pack("{ssss*ssss*sO*}", "alg", curve ? curve->alg : "RS256", "nonce",
                                 header->nonce, "url", header->url, "kid", header->kid, "jwk", jwk);
    if (!protected_header)
        return -ENOMEM;
    r = parts_begin(&parts, protected_header, payload);
    if (r < 0)
        return r;
    r = sign(key, parts.input, &parts.signature);
    return r < 0 ? r : parts_flatten(&parts, ret);
}

int jws_sign_hmac(const void *secret, size_t size, const JwsHeader *header, const char *payload,
                  json_t **ret)
{
    _cleanup_(parts_done) Parts parts = { 0 };
    json_auto_t *protected_header =
        json_pack("{ssssss}", "alg", "HS256", "kid", header->kid, "url", header->url);
    int r;

    if (!protected_header)
        return -ENOMEM;
    r = parts_begin(&parts, protected_header, payload);
    if (r < 0)
        return r;
    r = sign_hmac(secret, size, parts.input, &parts.signature);
    return r < 0 ? r : parts_flatten(&parts, ret);
}
