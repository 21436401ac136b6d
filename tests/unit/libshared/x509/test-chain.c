/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/chain.h"

#include <openssl/err.h>

#include "make-x509.h"
#include "strings/strv.h"
#include "test.h"

#define DAY 86400L

static Chain *parse(const char *pem)
{
    const char *reason = "";
    Chain *chain = NULL;

    if (chain_parse(pem, strlen(pem), &chain, &reason) != 0) {
        fprintf(stderr, "refused: %s\n", reason);
        exit(EXIT_FAILURE);
    }
    ASSERT_EQ(ERR_peek_error(), 0);
    return chain;
}

static void assert_refused_bytes(const char *pem, size_t size, const char *words)
{
    const char *reason = "";
    Chain *chain = NULL;

    ASSERT_EQ(chain_parse(pem, size, &chain, &reason), -EBADMSG);
    ASSERT_TRUE(!chain);
    if (!strstr(reason, words)) {
        fprintf(stderr, "expected '%s' in: %s\n", words, reason);
        exit(EXIT_FAILURE);
    }
    ASSERT_EQ(ERR_peek_error(), 0);
}

static void assert_refused(const char *pem, const char *words)
{
    assert_refused_bytes(pem, strlen(pem), words);
}

static void test_names(EVP_PKEY *key)
{
    _cleanup_free_ char *pem = make_certificate(
        key, "DNS:*.A.example,IP:192.0.2.1,email:a@b.example,IP:2001:db8::1", 0, DAY);
    _cleanup_free_ char *nothing = make_certificate(key, NULL, 0, DAY), *joined = NULL;
    _cleanup_(chain_freep) Chain *chain = parse(pem), *nameless = parse(nothing);
    _cleanup_strv_ char **names = chain_names(chain);

    joined = strv_join(names, " ");
    ASSERT_STREQ(joined, "*.a.example 192.0.2.1 2001:db8::1");
    ASSERT_TRUE(!chain_names(nameless));
    ASSERT_EQ(ERR_peek_error(), 0);
}

static void test_format(EVP_PKEY *key)
{
    _cleanup_free_ char *leaf = make_certificate(key, "DNS:a.example", 0, DAY);
    _cleanup_free_ char *issuer = make_certificate(key, NULL, 0, DAY);
    _cleanup_free_ char *expected = join(leaf, "\n", issuer);
    static const char *const between[] = { "", "\n", "\n\n\n", "\r\n \t\n" };

    for (size_t i = 0; i < ELEMENTSOF(between); i++) {
        _cleanup_free_ char *pem = join(leaf, between[i], issuer), *formatted = NULL;
        _cleanup_(chain_freep) Chain *chain = parse(pem);
        size_t size;

        ASSERT_EQ(sk_X509_num(chain->certificates), 2);
        ASSERT_OK(chain_format(chain, &formatted, &size));
        ASSERT_EQ(size, strlen(expected));
        ASSERT_STREQ(formatted, expected);
    }
}

static void test_format_of_one(EVP_PKEY *key)
{
    _cleanup_free_ char *leaf = make_certificate(key, "DNS:a.example", 0, DAY), *formatted = NULL;
    _cleanup_free_ char *bare = strndup(leaf, strlen(leaf) - 1);
    _cleanup_(chain_freep) Chain *chain = parse(bare);
    size_t size;

    ASSERT_OK(chain_format(chain, &formatted, &size));
    ASSERT_STREQ(formatted, leaf);
}

static void test_refused(EVP_PKEY *key)
{
    _cleanup_free_ char *leaf = make_certificate(key, "DNS:a.example", 0, DAY);
    _cleanup_free_ char *request = make_request(key, NULL, "DNS:a.example");
    _cleanup_free_ char *secret = make_pem(make_write_key, key);
    _cleanup_free_ char *with_request = join(leaf, request, ""), *with_key = join(leaf, secret, "");
    _cleanup_free_ char *cut = strndup(leaf, strlen(leaf) - 10);
    _cleanup_free_ char *big = calloc(1, CHAIN_SIZE_MAX + 2), *many = strdup("");

    assert_refused("", "no certificate");
    assert_refused("words", "no certificate");
    assert_refused(with_request, "not a certificate");
    assert_refused(with_key, "not a certificate");
    assert_refused(cut, "PEM");
    assert_refused("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "decoded");
    assert_refused("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n", "decoded");

    memset(big, '\n', CHAIN_SIZE_MAX + 1);
    assert_refused(big, "too large");
    for (size_t i = 0; i < CHAIN_CERTIFICATES_MAX; i++) {
        char *more = join(many, leaf, "");

        free(many);
        many = more;
    }
    chain_free(parse(many));
    with_key = (free(with_key), join(many, leaf, ""));
    assert_refused(with_key, "too many");
    cut = (free(cut), strdup(leaf));
    cut[100] = '\0';
    assert_refused_bytes(cut, strlen(leaf), "PEM");
}

static void assert_check(EVP_PKEY *key, const Csr *csr, const char *san, const char *words)
{
    _cleanup_free_ char *pem = make_certificate(key, san, 0, DAY);
    _cleanup_(chain_freep) Chain *chain = parse(pem);
    const char *reason = "";

    ASSERT_EQ(chain_check(chain, csr, &reason), words ? -EBADMSG : 0);
    if (words && !strstr(reason, words)) {
        fprintf(stderr, "expected '%s' in: %s\n", words, reason);
        exit(EXIT_FAILURE);
    }
    ASSERT_EQ(ERR_peek_error(), 0);
}

/* The names that the CA added, separated by blanks; NULL: none. */
static void assert_extra(EVP_PKEY *key, const Csr *csr, const char *san, const char *expected)
{
    _cleanup_free_ char *pem = make_certificate(key, san, 0, DAY), *joined = NULL;
    _cleanup_(chain_freep) Chain *chain = parse(pem);
    _cleanup_strv_ char **extra = chain_extra_names(chain, csr);

    assert_check(key, csr, san, NULL);
    ASSERT_EQ(!extra, !expected);
    if (!expected)
        return;
    joined = strv_join(extra, " ");
    ASSERT_STREQ(joined, expected);
}

static void test_check(EVP_PKEY *key)
{
    _cleanup_free_ char *pem = make_request(key, "b.example", "DNS:*.a.example,DNS:b.example");
    _cleanup_key_ EVP_PKEY *other = make_key("P-256");
    _cleanup_(csr_freep) Csr *csr = NULL;
    const char *reason;

    ASSERT_OK(csr_parse(pem, strlen(pem), &csr, &reason));
    assert_check(key, csr, "DNS:*.a.example,DNS:b.example", NULL);
    assert_check(key, csr, "DNS:B.EXAMPLE,DNS:b.example,DNS:*.a.example", NULL);
    assert_check(other, csr, "DNS:*.a.example,DNS:b.example", "key");
    assert_check(key, csr, "DNS:b.example", "lacks a requested name");
    assert_check(key, csr, NULL, "lacks a requested name");
    assert_extra(key, csr, "DNS:*.a.example,DNS:b.example", NULL);
    assert_extra(key, csr, "DNS:*.a.example,DNS:b.example,DNS:WWW.b.example", "www.b.example");
    assert_extra(key, csr, "DNS:*.a.example,DNS:b.example,IP:192.0.2.1", "192.0.2.1");
    assert_extra(key, csr, "DNS:*.a.example,DNS:b.example,email:me@b.example,DNS:c.example",
                 "a name of another type c.example");
}

static void test_check_addresses(EVP_PKEY *key)
{
    _cleanup_free_ char *pem = make_request(key, NULL, "DNS:a.example,IP:192.0.2.1,IP:2001:db8::1");
    _cleanup_(csr_freep) Csr *csr = NULL;
    const char *reason;

    ASSERT_OK(csr_parse(pem, strlen(pem), &csr, &reason));
    assert_check(key, csr, "IP:2001:DB8:0::1,IP:192.0.2.1,DNS:a.example", NULL);
    assert_check(key, csr, "IP:192.0.2.1,DNS:a.example", "lacks a requested name");
    assert_check(key, csr, "IP:192.0.2.1,IP:192.0.2.1,DNS:a.example", "lacks a requested name");
    assert_check(key, csr, "IP:192.0.2.2,IP:2001:db8::1,DNS:a.example", "lacks a requested name");
    assert_check(key, csr, "IP:::ffff:192.0.2.1,IP:2001:db8::1,DNS:a.example",
                 "lacks a requested name");
    /* The same text as a name of another type. */
    assert_check(key, csr, "DNS:192.0.2.1,IP:2001:db8::1,DNS:a.example", "lacks a requested name");
    assert_extra(key, csr, "DNS:192.0.2.1,IP:192.0.2.1,IP:2001:db8::1,DNS:a.example", "192.0.2.1");
}

static Chain *chain_of_life(EVP_PKEY *key, long from, long to)
{
    _cleanup_free_ char *pem = make_certificate(key, NULL, from, to);

    return parse(pem);
}

/* The example of RFC 9773 §4.1. */
static void test_renewal_id(EVP_PKEY *key)
{
    static const unsigned char issuer[] = { 0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40,
                                            0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b, 0xa0,
                                            0xae, 0x2c, 0xde, 0x01, 0xc8, 0xd4 };
    _cleanup_free_ char *pem = make_certificate(key, NULL, 0, DAY), *named = NULL;
    _cleanup_(chain_freep) Chain *bare = parse(pem), *chain = NULL;
    AUTHORITY_KEYID *identifier = AUTHORITY_KEYID_new();
    _cleanup_free_ char *id = NULL;
    X509 *leaf = X509_dup(chain_leaf(bare));

    ASSERT_TRUE(!chain_renewal_id(bare));
    identifier->keyid = ASN1_OCTET_STRING_new();
    ASSERT_EQ(ASN1_OCTET_STRING_set(identifier->keyid, issuer, sizeof(issuer)), 1);
    ASSERT_EQ(X509_add1_ext_i2d(leaf, NID_authority_key_identifier, identifier, 0, 0), 1);
    ASSERT_EQ(ASN1_INTEGER_set_uint64(X509_get_serialNumber(leaf), 0x87654321), 1);
    ASSERT_TRUE(X509_sign(leaf, key, EVP_sha256()) > 0);
    named = make_pem(make_write_certificate, leaf);
    chain = parse(named);
    id = chain_renewal_id(chain);
    ASSERT_STREQ(id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    AUTHORITY_KEYID_free(identifier);
    X509_free(leaf);
}

static void test_fingerprint(EVP_PKEY *key)
{
    _cleanup_free_ char *pem = make_certificate(key, NULL, 0, DAY);
    _cleanup_(chain_freep) Chain *chain = parse(pem), *other = chain_of_life(key, 0, 2 * DAY);
    char one[CHAIN_FINGERPRINT_SIZE], same[CHAIN_FINGERPRINT_SIZE], two[CHAIN_FINGERPRINT_SIZE];
    _cleanup_(chain_freep) Chain *again = parse(pem);

    ASSERT_OK(chain_fingerprint(chain, one));
    ASSERT_OK(chain_fingerprint(again, same));
    ASSERT_OK(chain_fingerprint(other, two));
    ASSERT_EQ(strlen(one), CHAIN_FINGERPRINT_SIZE - 1);
    ASSERT_STREQ(one, same);
    ASSERT_TRUE(!streq(one, two));
    ASSERT_TRUE(chain_is_alive(chain, time(NULL)));
    ASSERT_FALSE(chain_is_alive(chain, time(NULL) - 60));
    ASSERT_FALSE(chain_is_alive(chain, chain_not_after(chain)));
}

/* A libcrypto that cannot hash is an error, and does not end the process. */
static void test_fingerprint_fails(EVP_PKEY *key)
{
    _cleanup_(chain_freep) Chain *chain = chain_of_life(key, 0, DAY);
    char fingerprint[CHAIN_FINGERPRINT_SIZE];

    ASSERT_EQ(EVP_set_default_properties(NULL, "provider=missing"), 1);
    ASSERT_EQ(chain_fingerprint(chain, fingerprint), -EIO);
    ASSERT_EQ(EVP_set_default_properties(NULL, ""), 1);
    ASSERT_OK(chain_fingerprint(chain, fingerprint));
}

static void test_life(EVP_PKEY *key)
{
    _cleanup_(chain_freep) Chain *quarter = chain_of_life(key, 0, 90 * DAY);
    _cleanup_(chain_freep) Chain *week = chain_of_life(key, 0, 6 * DAY);
    _cleanup_free_ char *serial = chain_serial(quarter);
    time_t end = chain_not_after(quarter), week_end = chain_not_after(week);

    ASSERT_TRUE(labs((long)(end - time(NULL)) - 90 * DAY) < 60);
    ASSERT_STREQ(serial, "fe0123");

    ASSERT_FALSE(chain_is_outdated(quarter, end - 90 * DAY, 14));
    ASSERT_FALSE(chain_is_outdated(quarter, end - 14 * DAY, 14));
    ASSERT_TRUE(chain_is_outdated(quarter, end - 14 * DAY + 1, 14));
    ASSERT_TRUE(chain_is_outdated(quarter, end + 1, 0));
    ASSERT_FALSE(chain_is_outdated(quarter, end - 1, 0));

    /* A third of the lifetime counts if the lifetime is not longer than renew-within. */
    ASSERT_FALSE(chain_is_outdated(quarter, end - 89 * DAY, 89));
    ASSERT_FALSE(chain_is_outdated(quarter, end - 89 * DAY, 90));
    ASSERT_FALSE(chain_is_outdated(quarter, end - 30 * DAY, 90));
    ASSERT_TRUE(chain_is_outdated(quarter, end - 30 * DAY + 1, 90));
    ASSERT_FALSE(chain_is_outdated(week, week_end - 2 * DAY, 14));
    ASSERT_TRUE(chain_is_outdated(week, week_end - 2 * DAY + 1, 14));
    ASSERT_TRUE(chain_is_outdated(week, week_end + 1, UINT32_MAX));
}

static void test_leads_to(EVP_PKEY *key)
{
    _cleanup_free_ char *leaf = make_issued_certificate(key, "Issuing CA 1", NULL, 0, DAY);
    _cleanup_free_ char *middle = make_issued_certificate(key, "Root X\xc3\xa9", NULL, 0, DAY);
    _cleanup_free_ char *both = join(leaf, middle, ""), *bare = make_certificate(key, NULL, 0, DAY);
    _cleanup_(chain_freep) Chain *one = parse(leaf), *two = parse(both), *none = parse(bare);

    ASSERT_TRUE(chain_leads_to(one, "Issuing CA 1"));
    ASSERT_FALSE(chain_leads_to(one, "Issuing CA"));
    ASSERT_FALSE(chain_leads_to(one, "issuing ca 1"));
    ASSERT_TRUE(chain_leads_to(two, "Root X\xc3\xa9"));
    ASSERT_FALSE(chain_leads_to(two, "Issuing CA 1")); /* the issuer of a lower certificate */
    ASSERT_FALSE(chain_leads_to(none, ""));
    ASSERT_EQ(ERR_peek_error(), 0);
}

int main(void)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");

    test_names(key);
    test_format(key);
    test_format_of_one(key);
    test_refused(key);
    test_check(key);
    test_check_addresses(key);
    test_renewal_id(key);
    test_fingerprint(key);
    test_fingerprint_fails(key);
    test_life(key);
    test_leads_to(key);
    return 0;
}
