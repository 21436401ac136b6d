/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/public-key.h"

#include <openssl/core_names.h>

#include "make-x509.h"
#include "test.h"
#include "x509/csr.h"

static void hash_request(EVP_PKEY *key, char ret[PUBLIC_KEY_HASH_SIZE])
{
    _cleanup_free_ char *body = make_request(key, NULL, "DNS:a.example.org");
    _cleanup_(csr_freep) Csr *csr = NULL;
    const char *why;

    ASSERT_OK(csr_parse(body, strlen(body), &csr, &why));
    ASSERT_OK(public_key_hash(csr_key(csr), ret));
    ASSERT_EQ(strlen(ret), PUBLIC_KEY_HASH_SIZE - 1);
}

/* As a certificate has the key. */
static void hash_encoded(EVP_PKEY *key, char ret[PUBLIC_KEY_HASH_SIZE])
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    const unsigned char *end = der;
    _cleanup_key_ EVP_PKEY *again = d2i_PUBKEY(NULL, &end, size);

    ASSERT_TRUE(size > 0 && again);
    ASSERT_OK(public_key_hash(again, ret));
    OPENSSL_free(der);
}

static void test_keys(void)
{
    static const char *const types[] = { "RSA-2048", "P-256", "P-521", "Ed25519" };

    for (size_t i = 0; i < ELEMENTSOF(types); i++) {
        _cleanup_key_ EVP_PKEY *key = make_key(types[i]), *other = make_key(types[i]);
        char first[PUBLIC_KEY_HASH_SIZE], again[PUBLIC_KEY_HASH_SIZE], own[PUBLIC_KEY_HASH_SIZE],
            strange[PUBLIC_KEY_HASH_SIZE];

        hash_request(key, first);
        hash_request(key, again);
        ASSERT_OK(public_key_hash(key, own));
        hash_request(other, strange);
        ASSERT_STREQ(first, again);
        ASSERT_STREQ(first, own);
        ASSERT_TRUE(strcmp(first, strange) != 0);
    }
}

/* The same key in another form is another SubjectPublicKeyInfo. */
static void test_compressed_point(void)
{
    static const char *const forms[] = { OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED,
                                         OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_HYBRID };
    _cleanup_key_ EVP_PKEY *key = make_key("P-384");
    char usual[PUBLIC_KEY_HASH_SIZE];

    hash_request(key, usual);
    for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
        char other[PUBLIC_KEY_HASH_SIZE];

        ASSERT_EQ(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                                 forms[i]),
                  1);
        hash_encoded(key, other);
        ASSERT_STREQ(usual, other);
    }
}

int main(void)
{
    test_keys();
    test_compressed_point();
    return EXIT_SUCCESS;
}
