/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/csr.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "make-x509.h"
#include "strings/strv.h"
#include "test.h"

static void assert_names(const char *pem, const char *names)
{
    _cleanup_(csr_freep) Csr *csr = NULL;
    const char *reason = "";
    _cleanup_free_ char *joined = NULL;

    if (csr_parse(pem, strlen(pem), &csr, &reason) != 0) {
        fprintf(stderr, "expected %s, refused: %s\n", names, reason);
        exit(EXIT_FAILURE);
    }
    joined = strv_join(csr->names, " ");
    ASSERT_STREQ(joined, names);
    ASSERT_EQ(ERR_peek_error(), 0);
}

/* Refused with a full sentence that contains these words. */
static void assert_refused_bytes(const char *body, size_t size, const char *words)
{
    const char *reason = NULL;
    Csr *csr = NULL;

    ASSERT_EQ(csr_parse(body, size, &csr, &reason), -EBADMSG);
    ASSERT_TRUE(!csr);
    ASSERT_TRUE(reason && reason[strlen(reason) - 1] == '.');
    if (!strstr(reason, words)) {
        fprintf(stderr, "expected '%s' in: %s\n", words, reason);
        exit(EXIT_FAILURE);
    }
    ASSERT_EQ(ERR_peek_error(), 0);
}

static void assert_refused(const char *body, const char *words)
{
    assert_refused_bytes(body, strlen(body), words);
}

/* Makes a request only for this check. */
static void assert_request_names(EVP_PKEY *key, const char *cn, const char *san, const char *names)
{
    _cleanup_free_ char *pem = make_request(key, cn, san);

    assert_names(pem, names);
}

static void assert_request_refused(EVP_PKEY *key, const char *cn, const char *san,
                                   const char *words)
{
    _cleanup_free_ char *pem = make_request(key, cn, san);

    assert_refused(pem, words);
}

static void test_names(EVP_PKEY *key)
{
    assert_request_names(key, NULL, "DNS:www.example.org", "www.example.org");
    assert_request_names(key, "www.example.org", NULL, "www.example.org");
    assert_request_names(key, "c.example", "DNS:b.example,DNS:a.example",
                         "c.example b.example a.example");
    assert_request_names(key, "WWW.Example.org", "DNS:www.example.ORG,DNS:*.Example.org",
                         "www.example.org *.example.org");

    assert_request_refused(key, NULL, NULL, "subjectAltName=DNS:");
    assert_request_refused(key, "Example Ltd", "DNS:www.example.org",
                           "The common name (CN) of the CSR, 'Example Ltd', is not a valid");
    assert_request_refused(key, "192.0.2.1", NULL, "'192.0.2.1', is not");
    assert_request_refused(key, "192.0.2.1", "IP:192.0.2.2", "'192.0.2.1', is not");
    assert_request_names(key, "192.0.2.1", "IP:192.0.2.1,DNS:a.example", "a.example");
    assert_request_names(key, "2001:db8::1", "IP:2001:db8:0::1,DNS:a.example", "a.example");
    assert_request_names(key, "2001:DB8:0:0::0001", "IP:2001:db8::1,DNS:a.example", "a.example");
    assert_request_names(key, " ", "DNS:a.example", "a.example");
    assert_request_names(key, " b.example\t", "DNS:a.example", "b.example a.example");
    assert_request_names(key, "b.example", "DNS:a.example,DNS:b.example", "b.example a.example");
    assert_request_refused(key, "two words\x1b[1m", NULL, "'two words [1m', is not");
    assert_request_refused(key, "m\xc3\xbcnchen.example", NULL, "xn--");
    assert_request_refused(key, "M\xc3\xbcller GmbH", "DNS:a.example",
                           "'M\xc3\xbcller GmbH', is not ASCII");
    assert_request_refused(key, NULL, "DNS:b.example,DNS:a_b.example",
                           "The DNS name 'a_b.example' in the CSR is not");
    assert_request_refused(key, NULL, "DNS:example.org.", "DNS name");
    assert_request_refused(key, NULL, "DNS:a.*.example", "DNS name");
}

/* Forms other than PEM with LF or CRLF: accepted, or refused with the reason. */
static void test_forms(EVP_PKEY *key)
{
    _cleanup_free_ char *pem = make_request(key, "a.example", NULL), *body = NULL;
    _cleanup_free_ unsigned char *der = NULL;
    _cleanup_(csr_freep) Csr *csr = NULL;
    size_t n = strlen(pem), size;
    const char *reason;

    body = malloc(2 * n + 8);
    (void)sprintf(body, "\xef\xbb\xbf%s", pem);
    assert_names(body, "a.example");
    for (size_t mark = 0; mark < 2; mark++)
        for (size_t ascii = 0; ascii < 2; ascii++) {
            memcpy(body, ascii ? "\xfe\xff" : "\xff\xfe", 2);
            for (size_t i = 0; i < n; i++) {
                body[2 * mark + 2 * i + ascii] = pem[i];
                body[2 * mark + 2 * i + 1 - ascii] = '\0';
            }
            csr = csr_free(csr);
            ASSERT_OK(csr_parse(body, 2 * n + 2 * mark, &csr, &reason));
            ASSERT_STREQ(csr->names[0], "a.example");
        }
    ASSERT_OK(csr_to_der(csr, &der, &size));
    csr = csr_free(csr);
    ASSERT_OK(csr_parse((const char *)der, size, &csr, &reason));
    ASSERT_STREQ(csr->names[0], "a.example");
    assert_refused_bytes((const char *)der, size - 1, "cannot be decoded");
    memcpy(body, der, size);
    memcpy(body + size, "\r\nx", 3);
    csr = csr_free(csr);
    ASSERT_OK(csr_parse(body, size + 2, &csr, &reason));
    ASSERT_STREQ(csr->names[0], "a.example");
    assert_refused_bytes(body, size + 3, "cannot be decoded");
    free(der);
    der = NULL;
    size = (size_t)i2d_PrivateKey(key, &der);
    assert_refused_bytes((const char *)der, size, "private key");
}

#define DAMAGED(text, sentence)                                                                    \
    {                                                                                              \
        .body = text, .size = sizeof(text) - 1, .words = sentence                                  \
    }
#define DASHES                  "-----"
#define BEGIN_AT(before, after) before "BEGIN CERTIFICATE REQUEST" after
#define END_AT(before, after)   before "END CERTIFICATE REQUEST" after
#define NORMAL                  BEGIN_AT(DASHES, DASHES)
#define NORMAL_END              END_AT(DASHES, DASHES)
#define SIMILAR                 "similar characters"

/* Each has the sentence that says what happened to it. */
static void test_damaged_forms(void)
{
    static const struct {
        const char *body;
        size_t size;
        const char *words;
    } cases[] = {
        DAMAGED(NORMAL "\rMIIB\r" NORMAL_END "\r", "CR alone"),
        DAMAGED(NORMAL "\rMIIB\r" NORMAL_END "\r\n", "CR alone"),
        DAMAGED("Hello,\n" NORMAL "\rMIIB\r" NORMAL_END "\n", "CR alone"),
        DAMAGED(NORMAL " MIIB " NORMAL_END, "in one line"),
        DAMAGED("  " NORMAL "\n  MIIB\n  " NORMAL_END "\n", "of the CSR are indented"),
        DAMAGED("\t" NORMAL "\nMIIB\n" NORMAL_END "\n", "of the CSR are indented"),
        DAMAGED(NORMAL "\n  MIIB\n  " NORMAL_END "\n", "after the first one are indented"),
        DAMAGED(NORMAL "\r\n\tMIIB\r\n\t" NORMAL_END, "after the first one are indented"),
        DAMAGED(NORMAL "\\nMIIB\\n" NORMAL_END "\\n", "\\n as two characters"),
        DAMAGED(NORMAL "\\r\\nMIIB\\r\\n" NORMAL_END, "\\r\\n as four characters"),
        DAMAGED(BEGIN_AT("\xe2\x80\x93\xe2\x80\x93-", DASHES) "\nMIIB\n", SIMILAR),
        DAMAGED(BEGIN_AT("\xe2\x80\x94\xe2\x80\x94", "\xe2\x80\x94") "\nMIIB\n", SIMILAR),
        DAMAGED(BEGIN_AT(DASHES, "--\xe2\x88\x92") "\nMIIB\n" NORMAL_END, SIMILAR),
        DAMAGED(NORMAL "\nMIIB\n" END_AT("\xe2\x80\x91---", DASHES), SIMILAR),
        DAMAGED(BEGIN_AT("\x96\x96-", "\x96\x96-") "\r\nMIIB\r\n", SIMILAR),
        DAMAGED(NORMAL "\r\nMIIB\r\n" END_AT("\x97\x97-", DASHES), SIMILAR),
        DAMAGED("\xff\xfe\x13\x20\x14\x20-\0B\0E\0G\0I\0N\0 \0C\0", SIMILAR),
        DAMAGED("\xfe\xff\x20\x13\x22\x12\0-\0B\0E\0G\0I\0N\0 \0C", SIMILAR),
        DAMAGED("\x13\x20\x13\x20-\0B\0E\0G\0I\0N\0 \0C\0", SIMILAR),
        DAMAGED("\x20\x14\0-\0B\0E\0G\0I\0N\0 \0C", SIMILAR),
        DAMAGED("\xff\xfeM\0I\0I\0B\0M\0\r\0\n\0", "base64 without the line"),
        DAMAGED("MIIB\nMIIB\n", "base64 without the line"),
        DAMAGED("\n\n \tMIIBM\n", "base64 without the line"),
        DAMAGED("\r\nMIIBM\r\n", "base64 without the line"),
        DAMAGED("A CSR \xe2\x80\x93 as you wished:\n" NORMAL "\nMIIB\n", "not well-formed PEM"),
        DAMAGED("Hello", "no PEM block"),
        DAMAGED("\n\n", "no PEM block"),
        DAMAGED("\n ", "no PEM block"),
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        assert_refused_bytes(cases[i].body, cases[i].size, cases[i].words);
}

static void test_two_common_names(EVP_PKEY *key)
{
    X509_REQ *req = make_request_begin(key);
    _cleanup_free_ char *pem = NULL;

    make_add_cn(req, "a.example", -1);
    make_add_cn(req, "b.example", -1);
    pem = make_request_end(req, key);
    assert_names(pem, "a.example b.example");
}

static void add_raw_dns(X509_REQ *req, const char *name, int size)
{
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *general = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();

    ASSERT_EQ(ASN1_STRING_set(string, name, size), 1);
    GENERAL_NAME_set0_value(general, GEN_DNS, string);
    sk_GENERAL_NAME_push(names, general);
    ASSERT_EQ(X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, 0), 1);
    ASSERT_EQ(X509_REQ_add_extensions(req, extensions), 1);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    GENERAL_NAMES_free(names);
}

static void test_strange_bytes(EVP_PKEY *key)
{
    static const struct {
        const char *name;
        int size;
        const char *words;
    } cases[] = {
        { "www.example.org\0.evil.example", 29, "NUL" },
        { "www.example.org\0", 16, "NUL" },
        { "m\xfcnchen.example", 15, "xn--" },
        { "", 0, "DNS name" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        X509_REQ *req = make_request_begin(key);
        _cleanup_free_ char *pem = NULL;

        add_raw_dns(req, cases[i].name, cases[i].size);
        pem = make_request_end(req, key);
        assert_refused(pem, cases[i].words);
    }
}

static void test_nul_in_common_name(EVP_PKEY *key)
{
    X509_REQ *req = make_request_begin(key);
    _cleanup_free_ char *pem = NULL;

    make_add_cn(req, "a.example\0.evil.example", 23);
    pem = make_request_end(req, key);
    assert_refused(pem, "NUL");
}

static void assert_other_san(EVP_PKEY *key, const char *san, const char *names, const char *type)
{
    _cleanup_free_ char *pem = make_request(key, NULL, san), *joined = NULL;
    _cleanup_(csr_freep) Csr *csr = NULL;
    const char *reason;

    ASSERT_OK(csr_parse(pem, strlen(pem), &csr, &reason));
    joined = strv_join(csr->names, " ");
    ASSERT_STREQ(joined, names);
    ASSERT_STREQ(csr->other_san, type);
}

static void test_other_san(EVP_PKEY *key)
{
    assert_other_san(key, "IP:192.0.2.1,email:me@a.example", "", "e-mail address");
    assert_other_san(key, "DNS:a.example,email:me@a.example", "a.example", "e-mail address");
    assert_other_san(key, "URI:https://a.example/,DNS:a.example", "a.example", "URI");
    assert_other_san(key, "RID:1.2.3,DNS:a.example", "a.example", "registered ID");
    assert_other_san(key, "otherName:1.2.3;UTF8:me", "", "other name");
}

static void assert_identifiers(EVP_PKEY *key, const char *san, const char *addresses,
                               const char *all)
{
    _cleanup_free_ char *pem = make_request(key, NULL, san), *joined = NULL, *joined_all = NULL;
    _cleanup_(csr_freep) Csr *csr = NULL;
    _cleanup_strv_ char **identifiers = NULL;
    const char *reason;

    ASSERT_OK(csr_parse(pem, strlen(pem), &csr, &reason));
    ASSERT_TRUE(!csr->other_san);
    joined = strv_join(csr->addresses, " ");
    ASSERT_STREQ(joined, addresses);
    identifiers = csr_identifiers(csr);
    joined_all = strv_join(identifiers, " ");
    ASSERT_STREQ(joined_all, all);
}

static void test_addresses(EVP_PKEY *key)
{
    assert_identifiers(key, "IP:192.0.2.1", "192.0.2.1", "192.0.2.1");
    assert_identifiers(key, "IP:2001:DB8:0:0:0:0:0:1,DNS:a.example,IP:192.0.2.1,IP:2001:db8::1",
                       "2001:db8::1 192.0.2.1", "a.example 2001:db8::1 192.0.2.1");
    assert_identifiers(key, "DNS:a.example", "", "a.example");
    assert_request_refused(key, NULL, "IP:::ffff:192.0.2.1", "mapped into IPv6");
    /* An address is not a host name. */
    assert_request_refused(key, NULL, "DNS:192.0.2.1", "DNS name");
}

static char *san_of(size_t n)
{
    char *san = NULL;
    size_t size;
    FILE *out = open_memstream(&san, &size);

    for (size_t i = 0; i < n; i++)
        fprintf(out, "%sDNS:n%zu.example", i > 0 ? "," : "", i);
    (void)fclose(out);
    return san;
}

static void test_number_of_names(EVP_PKEY *key)
{
    _cleanup_free_ char *most = san_of(CSR_NAMES_MAX), *more = san_of(CSR_NAMES_MAX + 1);
    _cleanup_free_ char *pem = make_request(key, "n0.example", most);
    _cleanup_(csr_freep) Csr *csr = NULL;
    const char *reason;

    ASSERT_OK(csr_parse(pem, strlen(pem), &csr, &reason));
    ASSERT_EQ(strv_length(csr->names), CSR_NAMES_MAX);
    assert_request_refused(key, NULL, more, "more than 100");
    assert_request_refused(key, "other.example", most, "more than 100");
    more = (free(more), join(most, ",IP:192.0.2.1", ""));
    assert_request_refused(key, NULL, more, "more than 100");
}

/* Names in a place that only the server or only the CA reads. */
static void test_hidden_names(EVP_PKEY *key)
{
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    X509_REQ *req = make_request_begin(key);
    X509_ATTRIBUTE *second;
    _cleanup_free_ char *two_lists = NULL, *two_kinds = NULL, *two_sans = NULL, *microsoft = NULL;

    /* OpenSSL adds no second one of a type, so the type is set afterwards. */
    make_add_san(req, NID_ext_req, "DNS:a.example");
    make_add_san(req, NID_friendlyName, "DNS:b.example");
    second = X509_REQ_get_attr(req, X509_REQ_get_attr_by_NID(req, NID_friendlyName, -1));
    ASSERT_EQ(X509_ATTRIBUTE_set1_object(second, OBJ_nid2obj(NID_ext_req)), 1);
    two_lists = make_request_end(req, key);
    assert_refused(two_lists, "extension");

    req = make_request_begin(key);
    make_add_san(req, NID_ext_req, "DNS:a.example");
    make_add_san(req, NID_ms_ext_req, "DNS:b.example");
    two_kinds = make_request_end(req, key);
    assert_refused(two_kinds, "extension");

    req = make_request_begin(key);
    sk_X509_EXTENSION_push(extensions, make_san("DNS:a.example"));
    sk_X509_EXTENSION_push(extensions, make_san("DNS:b.example,IP:192.0.2.1"));
    ASSERT_EQ(X509_REQ_add_extensions(req, extensions), 1);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    two_sans = make_request_end(req, key);
    assert_refused(two_sans, "one subjectAltName");

    req = make_request_begin(key);
    make_add_san(req, NID_ms_ext_req, "DNS:a.example");
    microsoft = make_request_end(req, key);
    assert_names(microsoft, "a.example");
}

/* A request with one subjectAltName of these bytes. free() */
static char *request_with_raw_san(EVP_PKEY *key, const void *data, size_t size)
{
    X509_REQ *req = make_request_begin(key);
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();

    ASSERT_EQ(ASN1_OCTET_STRING_set(octets, data, (int)size), 1);
    sk_X509_EXTENSION_push(extensions,
                           X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, octets));
    ASSERT_EQ(X509_REQ_add_extensions(req, extensions), 1);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    ASN1_OCTET_STRING_free(octets);
    return make_request_end(req, key);
}

static void test_broken_extensions(EVP_PKEY *key)
{
    /* Truncated names; a second list of names after the first. */
    static const char *const sans[] = {
        "\x30\x05\x82\x09garb",
        "\x30\x08\x82\x06"
        "a.test"
        "\x30\x08\x82\x06"
        "b.test",
    };
    X509_REQ *req = make_request_begin(key);
    _cleanup_free_ char *list = NULL;

    ASSERT_EQ(X509_REQ_add1_attr_by_NID(req, NID_ext_req, V_ASN1_UTF8STRING,
                                        (const unsigned char *)"DNS:a.example", 13),
              1);
    list = make_request_end(req, key);
    assert_refused(list, "extension");

    for (size_t i = 0; i < ELEMENTSOF(sans); i++) {
        _cleanup_free_ char *pem = request_with_raw_san(key, sans[i], strlen(sans[i]));

        assert_refused(pem, "extension");
    }
}

/* Very many names need much more memory than their bytes. */
static void test_size(EVP_PKEY *key)
{
    static const unsigned char name[] = { 0x82, 1, 'a' };
    static const int attributes[] = { NID_pkcs9_unstructuredName, NID_friendlyName };
    X509_REQ *req = make_request_begin(key);
    unsigned char san[4 + 0x8001] = { 0x30, 0x82, 0x80, 0x01 };
    _cleanup_free_ char *most = NULL, *more = NULL;

    for (size_t i = 4; i < sizeof(san); i++)
        san[i] = name[(i - 4) % sizeof(name)];
    most = request_with_raw_san(key, san, sizeof(san));
    assert_names(most, "a");

    for (size_t i = 0; i < ELEMENTSOF(attributes); i++)
        ASSERT_EQ(
            X509_REQ_add1_attr_by_NID(req, attributes[i], V_ASN1_OCTET_STRING, san, sizeof(san)),
            1);
    more = make_request_end(req, key);
    assert_refused(more, "larger than 64 KiB");
}

static void test_keys(void)
{
    static const char *const accepted[] = { "RSA-2048", "P-256", "P-384", "P-521", "Ed25519" };
    static const char *const refused[] = { "RSA-1024", "P-224", "secp256k1", "Ed448" };

    for (size_t i = 0; i < ELEMENTSOF(accepted); i++) {
        _cleanup_key_ EVP_PKEY *key = make_key(accepted[i]);

        assert_request_names(key, NULL, "DNS:a.example", "a.example");
    }
    for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
        _cleanup_key_ EVP_PKEY *key = make_key(refused[i]);

        assert_request_refused(key, NULL, "DNS:a.example", "P-256");
    }
}

/* A public key with a random modulus; @exponent: in hexadecimal */
static EVP_PKEY *make_rsa(int bits, const char *exponent)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_new(), *e = NULL;
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params;

    ASSERT_TRUE(BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) && BN_hex2bn(&e, exponent));
    ASSERT_TRUE(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
                OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e));
    params = OSSL_PARAM_BLD_to_param(builder);
    ASSERT_TRUE(EVP_PKEY_fromdata_init(context) == 1 &&
                EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(n);
    BN_free(e);
    return key;
}

/* The key is judged before its signature, which is of another key here. */
static void test_rsa_keys(EVP_PKEY *signer)
{
    static const char judged[] = "signature", refused[] = "2048 to 8192 bits";
    static const struct {
        int bits;
        const char *exponent, *reason;
    } cases[] = {
        { 2048, "10001", judged },
        { 2049, "10001", judged },
        { 8192, "10001", judged },
        { 2048, "10003", judged },
        { 2048, "1FFFFFFFF", judged },
        { 2047, "10001", refused },
        { 8193, "10001", refused },
        { 16384, "10001", refused },
        { 65536, "10001", refused },
        { 2048, "1", refused },
        { 2048, "3", refused },
        { 2048, "FFFF", refused },
        { 2048, "10002", refused },
        { 2048, "200000001", refused },
        { 2048, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", refused },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_key_ EVP_PKEY *key = make_rsa(cases[i].bits, cases[i].exponent);
        X509_REQ *req = make_request_begin(key);
        _cleanup_free_ char *pem = NULL;

        make_add_san(req, NID_ext_req, "DNS:a.example");
        pem = make_request_end(req, signer);
        assert_refused(pem, cases[i].reason);
    }
}

static void test_signature(EVP_PKEY *key)
{
    _cleanup_key_ EVP_PKEY *other = make_key("P-256");
    X509_REQ *req = make_request_begin(key);
    _cleanup_free_ char *pem = NULL;

    make_add_san(req, NID_ext_req, "DNS:a.example");
    pem = make_request_end(req, other);
    assert_refused(pem, "signature");
}

static void test_text_around(EVP_PKEY *key)
{
    _cleanup_free_ char *pem = make_request(key, NULL, "DNS:a.example");
    _cleanup_free_ char *around = join("Certificate Request:\n    Data:\n", pem, "\nbye");
    _cleanup_free_ char *crlf = malloc(2 * strlen(pem) + 1);
    _cleanup_free_ char *renamed = NULL, *one_line = NULL;
    size_t length = strlen(pem);
    char *out = crlf;

    assert_names(around, "a.example");
    for (const char *in = pem; *in; in++) {
        if (*in == '\n')
            *out++ = '\r';
        *out++ = *in;
    }
    *out = '\0';
    assert_names(crlf, "a.example");

    renamed = join("-----BEGIN NEW ", pem + STRLEN("-----BEGIN "), "");
    *strstr(renamed, "-----END") = '\0';
    one_line = join(renamed, "-----END NEW CERTIFICATE REQUEST-----", "");
    assert_names(one_line, "a.example");

    pem[length - 1] = '\0';
    assert_names(pem, "a.example");
}

static void test_bodies(EVP_PKEY *key)
{
    _cleanup_free_ char *pem = make_request(key, NULL, "DNS:a.example");
    _cleanup_free_ char *two = join(pem, pem, "");
    _cleanup_free_ char *certificate = make_certificate(key, "DNS:a.example", 0, 1000);
    _cleanup_free_ char *with_certificate = join(pem, certificate, "");
    _cleanup_free_ char *with_end = join(pem, "-----END X-----\n", "");
    _cleanup_free_ char *cut = strndup(pem, strlen(pem) - 10);
    _cleanup_free_ char *shorter = strdup(pem);

    assert_refused("", "no PEM block");
    assert_refused("hello", "no PEM block");
    assert_refused(two, "more than one");
    assert_refused(certificate, "not a certificate signing request");
    assert_refused(with_certificate, "not a certificate signing request");
    assert_refused(with_end, "well-formed");
    assert_refused(cut, "well-formed");
    assert_refused("-----BEGIN CERTIFICATE REQUEST-----\n!\n-----END CERTIFICATE REQUEST-----\n",
                   "well-formed");
    assert_refused("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
                   "decoded");
    assert_refused("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n",
                   "decoded");
    shorter[40] = '\0';
    assert_refused_bytes(shorter, strlen(pem), "well-formed");
}

static char *pem_of(const void *der, size_t size)
{
    char *pem = malloc(2 * size + 200);
    char *out = stpcpy(pem, "-----BEGIN CERTIFICATE REQUEST-----\n");

    out += EVP_EncodeBlock((unsigned char *)out, der, (int)size);
    strcpy(out, "\n-----END CERTIFICATE REQUEST-----\n");
    return pem;
}

static void test_der(EVP_PKEY *key)
{
    _cleanup_free_ char *pem = make_request(key, NULL, "DNS:a.example"), *exact = NULL,
                        *trailing = NULL;
    _cleanup_(csr_freep) Csr *csr = NULL;
    _cleanup_free_ unsigned char *der = NULL, *longer = NULL;
    const char *reason;
    size_t size;

    ASSERT_OK(csr_parse(pem, strlen(pem), &csr, &reason));
    ASSERT_OK(csr_to_der(csr, &der, &size));
    exact = pem_of(der, size);
    assert_names(exact, "a.example");

    longer = calloc(1, size + 1);
    memcpy(longer, der, size);
    trailing = pem_of(longer, size + 1);
    assert_refused(trailing, "decoded");

    /* Changes the signed part. */
    der[size - 1] ^= 1;
    free(exact);
    exact = pem_of(der, size);
    assert_refused(exact, "signature");
}

static void test_private_key(EVP_PKEY *key)
{
    _cleanup_free_ char *pem = make_request(key, NULL, "DNS:a.example");
    _cleanup_free_ char *secret = make_pem(make_write_key, key);
    _cleanup_free_ char *before = join(secret, pem, ""), *behind = join(pem, secret, "");
    static const char *const others[] = {
        "-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMAA=\n",
        "  -----BEGIN PRIVATE KEY-----\nMAA=\n",
    };

    assert_refused(secret, "private key");
    assert_refused(before, "private key");
    assert_refused(behind, "private key");
    assert_refused(behind, "compromised");
    for (size_t i = 0; i < ELEMENTSOF(others); i++)
        assert_refused(others[i], "private key");
}

static void test_has_key(EVP_PKEY *key)
{
    _cleanup_free_ char *pem = make_request(key, NULL, "DNS:a.example");
    _cleanup_key_ EVP_PKEY *other = make_key("P-256"), *rsa = make_key("RSA-2048");
    _cleanup_(csr_freep) Csr *csr = NULL;
    const char *reason;

    ASSERT_OK(csr_parse(pem, strlen(pem), &csr, &reason));
    ASSERT_TRUE(csr_has_key(csr, key));
    ASSERT_FALSE(csr_has_key(csr, other));
    ASSERT_FALSE(csr_has_key(csr, rsa));
    ASSERT_FALSE(csr_has_key(csr, NULL));
}

int main(void)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");

    test_names(key);
    test_forms(key);
    test_damaged_forms();
    test_two_common_names(key);
    test_strange_bytes(key);
    test_nul_in_common_name(key);
    test_other_san(key);
    test_addresses(key);
    test_number_of_names(key);
    test_hidden_names(key);
    test_broken_extensions(key);
    test_size(key);
    test_keys();
    test_rsa_keys(key);
    test_signature(key);
    test_text_around(key);
    test_bodies(key);
    test_der(key);
    test_private_key(key);
    test_has_key(key);
    return 0;
}
