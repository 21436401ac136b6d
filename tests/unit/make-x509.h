/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Keys, requests and certificates, made when a test needs them. */

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "base/macro.h"
#include "test.h"

DEFINE_CLEANUP_FUNC(EVP_PKEY *, EVP_PKEY_free)
#define _cleanup_key_ _cleanup_(EVP_PKEY_freep)

/* "RSA-1024", "P-256", "Ed25519", "Ed448", … */
static inline EVP_PKEY *make_key(const char *type)
{
    EVP_PKEY *key;

    if (strncmp(type, "RSA-", 4) == 0)
        key = EVP_RSA_gen((unsigned)strtoul(type + 4, NULL, 10));
    else if (strncmp(type, "Ed", 2) == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, type);
    else
        key = EVP_EC_gen(type);
    ASSERT_TRUE(key);
    return key;
}

static inline const EVP_MD *make_digest(const EVP_PKEY *key)
{
    int id = EVP_PKEY_get_base_id(key);

    return id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448 ? NULL : EVP_sha256();
}

static inline char *make_pem(int (*write)(BIO *, const void *), const void *object)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *pem;
    long size;

    ASSERT_EQ(write(bio, object), 1);
    size = BIO_get_mem_data(bio, &data);
    pem = strndup(data, (size_t)size);
    ASSERT_TRUE(pem);
    BIO_free(bio);
    return pem;
}

static inline int make_write_request(BIO *bio, const void *object)
{
    return PEM_write_bio_X509_REQ(bio, object);
}

static inline int make_write_certificate(BIO *bio, const void *object)
{
    return PEM_write_bio_X509(bio, object);
}

static inline int make_write_key(BIO *bio, const void *object)
{
    return PEM_write_bio_PKCS8PrivateKey(bio, object, NULL, NULL, 0, NULL, NULL);
}

static inline X509_EXTENSION *make_san(const char *san)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);

    ASSERT_TRUE(extension);
    return extension;
}

/* Adds a list of extensions with one subjectAltName ("DNS:a.example,IP:192.0.2.1"). */
static inline void make_add_san(X509_REQ *req, int nid, const char *san)
{
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();

    sk_X509_EXTENSION_push(extensions, make_san(san));
    ASSERT_EQ(X509_REQ_add_extensions_nid(req, extensions, nid), 1);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

/* @cn_size -1: up to the NUL */
static inline void make_add_cn(X509_REQ *req, const char *cn, int cn_size)
{
    ASSERT_EQ(X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(req), NID_commonName,
                                         MBSTRING_UTF8, (const unsigned char *)cn, cn_size, -1, 0),
              1);
}

static inline X509_REQ *make_request_begin(EVP_PKEY *key)
{
    X509_REQ *req = X509_REQ_new();

    ASSERT_TRUE(req);
    ASSERT_EQ(X509_REQ_set_version(req, 0), 1);
    ASSERT_EQ(X509_REQ_set_pubkey(req, key), 1);
    return req;
}

/* Signs, frees the request, returns its PEM. */
static inline char *make_request_end(X509_REQ *req, EVP_PKEY *key)
{
    char *pem;

    ASSERT_TRUE(X509_REQ_sign(req, key, make_digest(key)) > 0);
    pem = make_pem(make_write_request, req);
    X509_REQ_free(req);
    return pem;
}

/* A request in PEM; cn and san may be NULL. free() */
static inline char *make_request(EVP_PKEY *key, const char *cn, const char *san)
{
    X509_REQ *req = make_request_begin(key);

    if (cn)
        make_add_cn(req, cn, -1);
    if (san)
        make_add_san(req, NID_ext_req, san);
    return make_request_end(req, key);
}

/* Who is said to have issued a certificate; each may be NULL. */
typedef struct MakeIssuer {
    const char *name;   /* its common name */
    const char *key_id; /* of its key */
} MakeIssuer;

/* A certificate in PEM, signed with its own key, valid from and to so many seconds from now; san
 * may be NULL. free() */
static inline char *make_certificate_of(EVP_PKEY *key, MakeIssuer by, const char *san, long from,
                                        long to)
{
    const char *issuer = by.name, *key_id = by.key_id;
    X509 *certificate = X509_new();
    char *pem;

    ASSERT_TRUE(certificate);
    ASSERT_EQ(X509_set_version(certificate, 2), 1);
    /* The top bit set: DER puts a 00 in front of it. */
    ASSERT_EQ(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), 0xfe0123), 1);
    ASSERT_TRUE(X509_gmtime_adj(X509_getm_notBefore(certificate), from));
    ASSERT_TRUE(X509_gmtime_adj(X509_getm_notAfter(certificate), to));
    ASSERT_EQ(X509_set_pubkey(certificate, key), 1);
    if (issuer)
        ASSERT_EQ(X509_NAME_add_entry_by_txt(X509_get_issuer_name(certificate), "CN", MBSTRING_UTF8,
                                             (const unsigned char *)issuer, -1, -1, 0),
                  1);
    if (key_id) {
        AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();

        ASSERT_TRUE(id && (id->keyid = ASN1_OCTET_STRING_new()));
        ASSERT_EQ(ASN1_OCTET_STRING_set(id->keyid, (const unsigned char *)key_id, -1), 1);
        ASSERT_EQ(X509_add1_ext_i2d(certificate, NID_authority_key_identifier, id, 0, 0), 1);
        AUTHORITY_KEYID_free(id);
    }
    if (san) {
        X509_EXTENSION *extension = make_san(san);

        ASSERT_EQ(X509_add_ext(certificate, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    ASSERT_TRUE(X509_sign(certificate, key, make_digest(key)) > 0);
    pem = make_pem(make_write_certificate, certificate);
    X509_free(certificate);
    return pem;
}

static inline char *make_issued_certificate(EVP_PKEY *key, const char *issuer, const char *san,
                                            long from, long to)
{
    return make_certificate_of(key, (MakeIssuer){ .name = issuer }, san, from, to);
}

/* One for 90 days that the CA can be asked about (RFC 9773 §4.1). */
static inline char *make_renewable_certificate(EVP_PKEY *key, const char *issuer, const char *san)
{
    return make_certificate_of(key, (MakeIssuer){ issuer, "key of the CA" }, san, -3600,
                               90L * 86400);
}

/* The same without an issuer's name. */
static inline char *make_certificate(EVP_PKEY *key, const char *san, long from, long to)
{
    return make_issued_certificate(key, NULL, san, from, to);
}

/* Texts one after the other; free() */
static inline char *join(const char *a, const char *b, const char *c)
{
    char *text;

    ASSERT_TRUE(asprintf(&text, "%s%s%s", a, b, c) >= 0);
    return text;
}
