/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "strings/encode.h"
#include "test.h"

static void base64url_decode(const char *text, uint8_t **ret, size_t *ret_size)
{
    ASSERT_OK(base64_decode_any(text, strlen(text), ret, ret_size));
}

/* The example of RFC 7638 §3.1. */
static void test_thumbprint(void)
{
    static const char modulus[] =
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
        "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
        "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
        "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    _cleanup_free_ char *thumbprint = NULL;
    _cleanup_free_ uint8_t *n = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params;
    BIGNUM *number;
    size_t size;

    base64url_decode(modulus, &n, &size);
    number = BN_bin2bn(n, (int)size, NULL);
    ASSERT_TRUE(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, number));
    ASSERT_TRUE(OSSL_PARAM_BLD_push_ulong(build, OSSL_PKEY_PARAM_RSA_E, 65537));
    params = OSSL_PARAM_BLD_to_param(build);
    ASSERT_TRUE(EVP_PKEY_fromdata_init(context) > 0);
    ASSERT_TRUE(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) > 0);

    ASSERT_OK(jwk_thumbprint(key, &thumbprint));
    ASSERT_STREQ(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");

    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(number);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
}

static bool verify(EVP_PKEY *key, const char *input, const uint8_t *signature, size_t size,
                   const EVP_MD *digest)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char *der = NULL;
    int n = 0;
    bool ok;

    /* Converts raw R || S to DER, the form that OpenSSL verifies. */
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        ECDSA_SIG *sig = ECDSA_SIG_new();

        ASSERT_TRUE(ECDSA_SIG_set0(sig, BN_bin2bn(signature, (int)size / 2, NULL),
                                   BN_bin2bn(signature + size / 2, (int)size / 2, NULL)));
        n = i2d_ECDSA_SIG(sig, &der);
        ECDSA_SIG_free(sig);
    }
    ok = EVP_DigestVerifyInit(context, NULL, digest, NULL, key) > 0 &&
         EVP_DigestVerify(context, der ? der : signature, der ? (size_t)n : size,
                          (const unsigned char *)input, strlen(input)) > 0;
    OPENSSL_free(der);
    EVP_MD_CTX_free(context);
    return ok;
}

static void check_signed(EVP_PKEY *key, const char *kid, const char *alg, const EVP_MD *digest,
                         size_t signature_size)
{
    _cleanup_free_ char *input = NULL;
    _cleanup_free_ uint8_t *header_text = NULL, *payload = NULL, *signature = NULL;
    json_auto_t *jws = NULL, *header = NULL;
    const char *protected_part, *payload_part;
    size_t size;

    ASSERT_OK(jws_sign(key, &(JwsHeader){ kid, "some-nonce", "https://ca.example/order" },
                       "{\"a\":1}", &jws));
    protected_part = json_string_value(json_object_get(jws, "protected"));
    payload_part = json_string_value(json_object_get(jws, "payload"));
    ASSERT_TRUE(protected_part && payload_part);

    base64url_decode(payload_part, &payload, &size);
    ASSERT_STREQ((char *)payload, "{\"a\":1}");
    base64url_decode(protected_part, &header_text, &size);
    header = json_loadb((char *)header_text, size, 0, NULL);
    ASSERT_STREQ(json_string_value(json_object_get(header, "alg")), alg);
    ASSERT_STREQ(json_string_value(json_object_get(header, "nonce")), "some-nonce");
    ASSERT_STREQ(json_string_value(json_object_get(header, "url")), "https://ca.example/order");
    /* RFC 8555 §6.2: either kid or jwk, never both. */
    ASSERT_EQ(json_object_get(header, "kid") != NULL, kid != NULL);
    ASSERT_EQ(json_object_get(header, "jwk") != NULL, kid == NULL);

    ASSERT_TRUE(asprintf(&input, "%s.%s", protected_part, payload_part) > 0);
    base64url_decode(json_string_value(json_object_get(jws, "signature")), &signature, &size);
    ASSERT_EQ(size, signature_size);
    ASSERT_TRUE(verify(key, input, signature, size, digest));
}

static void test_signatures(void)
{
    EVP_PKEY *p256 = EVP_EC_gen("P-256"), *p384 = EVP_EC_gen("P-384"), *rsa = EVP_RSA_gen(2048);

    /* Many signatures: R or S sometimes begins with a zero byte, which must not be cut. */
    for (int i = 0; i < 300; i++)
        check_signed(p256, i % 2 ? "https://ca.example/acct/1" : NULL, "ES256", EVP_sha256(), 64);
    check_signed(p384, NULL, "ES384", EVP_sha384(), 96);
    check_signed(rsa, "https://ca.example/acct/1", "RS256", EVP_sha256(), 256);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(rsa);
}

static void test_post_as_get(void)
{
    json_auto_t *jws = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");

    ASSERT_OK(jws_sign(
        key, &(JwsHeader){ "https://ca.example/acct/1", "n", "https://ca.example/x" }, "", &jws));
    ASSERT_STREQ(json_string_value(json_object_get(jws, "payload")), "");
    EVP_PKEY_free(key);
}

/* A JWS inside another one has no nonce (RFC 8555 §7.3.5). */
static void test_inner(void)
{
    _cleanup_free_ uint8_t *text = NULL;
    json_auto_t *jws = NULL, *header = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    size_t size;

    ASSERT_OK(
        jws_sign(key, &(JwsHeader){ NULL, NULL, "https://ca.example/key-change" }, "{}", &jws));
    base64url_decode(json_string_value(json_object_get(jws, "protected")), &text, &size);
    header = json_loadb((char *)text, size, 0, NULL);
    ASSERT_EQ(json_object_size(header), 3);
    ASSERT_TRUE(json_object_get(header, "jwk") && !json_object_get(header, "nonce"));
    EVP_PKEY_free(key);
}

/* Made with Python's hmac module: RFC 8555 §7.3.4 with the key of RFC 7515 A.1. */
static void test_hmac(void)
{
    static const char secret[] = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i"
                                 "PS4hcgUuTwjAzZr1Z9CAow";
    _cleanup_free_ uint8_t *key = NULL;
    json_auto_t *jws = NULL;
    size_t size;

    base64url_decode(secret, &key, &size);
    ASSERT_OK(jws_sign_hmac(key, size,
                            &(JwsHeader){ .kid = "kid-1", .url = "https://ca.example/new-account" },
                            "{\"kty\":\"EC\"}", &jws));
    ASSERT_EQ(json_object_size(jws), 3);
    ASSERT_STREQ(json_string_value(json_object_get(jws, "protected")),
                 "eyJhbGciOiJIUzI1NiIsImtpZCI6ImtpZC0xIiwidXJsIjoiaHR0cHM6Ly9jYS5leGFtcGxlL25ldy1hY"
                 "2NvdW50In0");
    ASSERT_STREQ(json_string_value(json_object_get(jws, "payload")), "eyJrdHkiOiJFQyJ9");
    ASSERT_STREQ(json_string_value(json_object_get(jws, "signature")),
                 "lAY9oA1Au-S_3kXNHeX7oS9bmaRYyVoYyj5H6nmTtao");
}

static void test_other_keys(void)
{
    EVP_PKEY *p521 = EVP_EC_gen("P-521");
    json_t *jws = NULL;

    ASSERT_EQ(jws_sign(p521, &(JwsHeader){ NULL, "n", "https://ca.example/" }, "", &jws),
              -EOPNOTSUPP);
    ASSERT_TRUE(!jws);
    EVP_PKEY_free(p521);
}

int main(void)
{
    test_thumbprint();
    test_signatures();
    test_post_as_get();
    test_inner();
    test_hmac();
    test_other_keys();
    return 0;
}
