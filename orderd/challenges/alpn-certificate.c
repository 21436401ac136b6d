/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "challenges/alpn-certificate.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define HASH_SIZE   32U
#define SERIAL_SIZE 16

/* pe-acmeIdentifier (RFC 8737 §6.1) */
#define ACME_IDENTIFIER "1.3.6.1.5.5.7.1.31"

/* s from now. The CA does not check these times; the margins allow for wrong clocks. */
#define VALID_FROM  (-3600L)
#define VALID_UNTIL (24 * 3600L)

DEFINE_CLEANUP_FUNC(ASN1_OBJECT *, ASN1_OBJECT_free)
DEFINE_CLEANUP_FUNC(ASN1_OCTET_STRING *, ASN1_OCTET_STRING_free)
DEFINE_CLEANUP_FUNC(GENERAL_NAME *, GENERAL_NAME_free)
DEFINE_CLEANUP_FUNC(GENERAL_NAMES *, GENERAL_NAMES_free)
DEFINE_CLEANUP_FUNC(X509_EXTENSION *, X509_EXTENSION_free)

int alpn_identifier_parse(const char *text, AlpnIdentifier *ret)
{
    AlpnIdentifier identifier = { .server_name = "" };

    if (inet_pton(AF_INET, text, identifier.octets) == 1)
        identifier.size = 4;
    else if (inet_pton(AF_INET6, text, identifier.octets) == 1)
        identifier.size = 16;
    if (identifier.size > 0) {
        int r = address_reverse_name(text, identifier.server_name);

        if (r < 0)
            return r;
    } else {
        if (strlen(text) > DNS_NAME_MAX)
            return -EINVAL;
        memcpy(identifier.server_name, text, strlen(text) + 1);
        dns_name_fold(identifier.server_name);
        if (!dns_name_is_valid(identifier.server_name) || identifier.server_name[0] == '*')
            return -EINVAL;
    }
    *ret = identifier;
    return 0;
}

static GENERAL_NAME *make_name(const AlpnIdentifier *identifier)
{
    bool is_address = identifier->size > 0;
    _cleanup_(GENERAL_NAME_freep) GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = is_address ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

    if (!name || !value ||
        ASN1_STRING_set(value,
                        is_address ? (const void *)identifier->octets : identifier->server_name,
                        is_address ? (int)identifier->size : -1) != 1) {
        ASN1_STRING_free(value);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, is_address ? GEN_IPADD : GEN_DNS, value);
    return TAKE_PTR(name);
}

static bool add_subject_alt_name(X509 *certificate, const AlpnIdentifier *identifier)
{
    _cleanup_(GENERAL_NAMES_freep) GENERAL_NAMES *names = GENERAL_NAMES_new();
    _cleanup_(GENERAL_NAME_freep) GENERAL_NAME *name = make_name(identifier);

    if (!names || !name || sk_GENERAL_NAME_push(names, name) <= 0)
        return false;
    (void)TAKE_PTR(name);
    return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND) == 1;
}

/* Authorization ::= OCTET STRING (SIZE (32)), inside the extension's own OCTET STRING; critical. */
static bool add_acme_identifier(X509 *certificate, const char *key_authorization)
{
    _cleanup_(ASN1_OBJECT_freep) ASN1_OBJECT *object = OBJ_txt2obj(ACME_IDENTIFIER, 1);
    _cleanup_(ASN1_OCTET_STRING_freep) ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    _cleanup_(X509_EXTENSION_freep) X509_EXTENSION *extension = NULL;
    uint8_t authorization[2 + HASH_SIZE] = { V_ASN1_OCTET_STRING, HASH_SIZE };

    if (!object || !value ||
        EVP_Q_digest(NULL, "SHA256", NULL, key_authorization, strlen(key_authorization),
                     authorization + 2, NULL) != 1 ||
        ASN1_OCTET_STRING_set(value, authorization, sizeof(authorization)) != 1)
        return false;
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
    return extension && X509_add_ext(certificate, extension, -1) == 1;
}

static bool set_serial(X509 *certificate)
{
    uint8_t octets[SERIAL_SIZE];
    BIGNUM *number;
    bool ok;

    if (RAND_bytes(octets, sizeof(octets)) != 1)
        return false;
    octets[0] &= 0x7f;
    number = BN_bin2bn(octets, sizeof(octets), NULL);
    ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return ok;
}

/* Self-issued. The name of the challenge can be too long for a common name (RFC 5280,
 * ub-common-name). */
static bool set_subject(X509 *certificate)
{
    X509_NAME *name = X509_get_subject_name(certificate);

    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
                                      (const unsigned char *)"ACME challenge", -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1;
}

static bool fill(X509 *certificate, EVP_PKEY *key)
{
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           set_subject(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), VALID_FROM) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_UNTIL) &&
           X509_set_pubkey(certificate, key) == 1;
}

int alpn_certificate_make(const AlpnIdentifier *identifier, const char *key_authorization,
                          TlsChallenge *ret)
{
    _cleanup_(tls_challenge_done) TlsChallenge challenge = {
        .certificate = X509_new(),
        .key = EVP_EC_gen("P-256"),
    };

    if (!challenge.certificate || !challenge.key || !fill(challenge.certificate, challenge.key) ||
        !add_subject_alt_name(challenge.certificate, identifier) ||
        !add_acme_identifier(challenge.certificate, key_authorization) ||
        X509_sign(challenge.certificate, challenge.key, EVP_sha256()) <= 0) {
        ERR_clear_error();
        return -EIO;
    }
    *ret = (TlsChallenge){ TAKE_PTR(challenge.certificate), TAKE_PTR(challenge.key) };
    return 0;
}
