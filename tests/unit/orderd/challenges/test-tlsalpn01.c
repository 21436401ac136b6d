/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "challenges/tlsalpn01.h"

#include <openssl/x509v3.h>

#include "challenges/alpn-certificate.h"
#include "make-x509.h"
#include "statedir/files/atomic-file.h"
#include "test-directory.h"

#define KEY_AUTHORIZATION "token.thumbprint"

static void test_identifier(void)
{
    static const struct {
        const char *text, *server_name;
        size_t size;
    } table[] = {
        { "www.example.org", "www.example.org", 0 },
        { "WWW.Example.org", "www.example.org", 0 },
        { "192.0.2.1", "1.2.0.192.in-addr.arpa", 4 },
        { "2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
          16 },
    };
    static const char *const refused[] = {
        "", "*.example.org", "www.example.org.", "../x", "a/b", "192.0.2.256", "?",
    };
    AlpnIdentifier found;

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        ASSERT_OK(alpn_identifier_parse(table[i].text, &found));
        ASSERT_STREQ(found.server_name, table[i].server_name);
        ASSERT_EQ(found.size, table[i].size);
    }
    for (size_t i = 0; i < ELEMENTSOF(refused); i++)
        ASSERT_EQ(alpn_identifier_parse(refused[i], &found), -EINVAL);
}

static void assert_san(X509 *certificate, const char *expected)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    const GENERAL_NAME *name;
    char text[INET6_ADDRSTRLEN];
    int type;
    const ASN1_STRING *value;

    ASSERT_TRUE(names);
    ASSERT_EQ(sk_GENERAL_NAME_num(names), 1);
    name = sk_GENERAL_NAME_value(names, 0);
    value = GENERAL_NAME_get0_value(name, &type);
    if (type == GEN_IPADD) {
        ASSERT_OK(address_from_octets(ASN1_STRING_get0_data(value),
                                      (size_t)ASN1_STRING_length(value), text));
        ASSERT_STREQ(text, expected);
    } else {
        ASSERT_EQ(type, GEN_DNS);
        ASSERT_EQ(ASN1_STRING_length(value), strlen(expected));
        ASSERT_EQ(memcmp(ASN1_STRING_get0_data(value), expected, strlen(expected)), 0);
    }
    GENERAL_NAMES_free(names);
}

/* Critical, 04 20 and the SHA-256 of the key authorization. */
static void assert_acme_identifier(X509 *certificate)
{
    ASN1_OBJECT *object = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
    int at = X509_get_ext_by_OBJ(certificate, object, -1);
    X509_EXTENSION *extension = X509_get_ext(certificate, at);
    const ASN1_OCTET_STRING *value;
    uint8_t expected[34] = { 0x04, 0x20 };

    ASSERT_TRUE(extension);
    ASSERT_EQ(X509_get_ext_by_OBJ(certificate, object, at), -1);
    ASSERT_EQ(X509_EXTENSION_get_critical(extension), 1);
    value = X509_EXTENSION_get_data(extension);
    ASSERT_EQ(EVP_Q_digest(NULL, "SHA256", NULL, KEY_AUTHORIZATION, strlen(KEY_AUTHORIZATION),
                           expected + 2, NULL),
              1);
    ASSERT_EQ(ASN1_STRING_length(value), sizeof(expected));
    ASSERT_EQ(memcmp(ASN1_STRING_get0_data(value), expected, sizeof(expected)), 0);
    ASN1_OBJECT_free(object);
}

static void test_certificate(void)
{
    static const char *const identifiers[] = { "www.example.org", "192.0.2.1", "2001:db8::1" };

    for (size_t i = 0; i < ELEMENTSOF(identifiers); i++) {
        _cleanup_(tls_challenge_done) TlsChallenge made = { 0 };
        AlpnIdentifier identifier;
        char curve[32];

        ASSERT_OK(alpn_identifier_parse(identifiers[i], &identifier));
        ASSERT_OK(alpn_certificate_make(&identifier, KEY_AUTHORIZATION, &made));
        assert_san(made.certificate, identifiers[i]);
        assert_acme_identifier(made.certificate);
        ASSERT_EQ(X509_get_ext_count(made.certificate), 2);
        ASSERT_EQ(EVP_PKEY_get_group_name(made.key, curve, sizeof(curve), NULL), 1);
        ASSERT_STREQ(curve, "prime256v1");
        ASSERT_EQ(X509_self_signed(made.certificate, 1), 1);
        ASSERT_EQ(X509_check_private_key(made.certificate, made.key), 1);
        ASSERT_TRUE(X509_cmp_current_time(X509_get0_notBefore(made.certificate)) < 0);
        ASSERT_TRUE(X509_cmp_current_time(X509_get0_notAfter(made.certificate)) > 0);
    }
}

typedef struct Bed {
    char *path;
    int fd;
    sd_event *event;
    Solvers solvers;
} Bed;

static void bed_new(Bed *bed)
{
    *bed = (Bed){ .path = test_directory_new() };
    bed->fd = directory_open(bed->path, 0750);
    ASSERT_OK(sd_event_new(&bed->event));
    ASSERT_OK(tlsalpn01_new(bed->event, bed->fd, &bed->solvers.tlsalpn01));
}

static void bed_done(Bed *bed)
{
    tlsalpn01_free(bed->solvers.tlsalpn01);
    sd_event_unref(bed->event);
    (void)close(bed->fd);
    test_directory_freep(&bed->path);
}

static unsigned n_told, n_failed;

static void on_told(const Failure *failure, void *userdata)
{
    (void)userdata;
    n_told++;
    n_failed += failure != NULL;
}

static int publish(const Bed *bed, const char *name, const char *key_authorization, void **ret)
{
    const Challenge challenge = { .name = name, .key_authorization = key_authorization };

    return tlsalpn01_solver.publish(&bed->solvers, &challenge, on_told, NULL, ret);
}

static void run(const Bed *bed)
{
    while (sd_event_run(bed->event, 0) > 0)
        ;
}

/* Serial number of the certificate for a name; 0: there is none. */
static uint64_t serial(const Bed *bed, const char *server_name)
{
    _cleanup_(tls_challenge_done) TlsChallenge found = { 0 };
    int r = tls_challenge_read(bed->fd, server_name, &found);
    BIGNUM *number;
    uint64_t low;

    if (r == CHALLENGE_NOT_FOUND)
        return 0;
    ASSERT_EQ(r, CHALLENGE_FOUND);
    number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(found.certificate), NULL);
    BN_mask_bits(number, 63);
    low = BN_get_word(number) | 1;
    BN_free(number);
    return low;
}

static void test_different_names(void)
{
    Bed bed;
    void *one = NULL, *two = NULL;

    bed_new(&bed);
    ASSERT_EQ(publish(&bed, "a.example.org", "1", &one), 1);
    ASSERT_EQ(publish(&bed, "192.0.2.1", "2", &two), 1);
    ASSERT_TRUE(serial(&bed, "a.example.org") != 0);
    ASSERT_TRUE(serial(&bed, "1.2.0.192.in-addr.arpa") != 0);
    tlsalpn01_solver.withdraw(one);
    ASSERT_EQ(serial(&bed, "a.example.org"), 0);
    ASSERT_TRUE(serial(&bed, "1.2.0.192.in-addr.arpa") != 0);
    tlsalpn01_solver.withdraw(two);
    ASSERT_EQ(serial(&bed, "1.2.0.192.in-addr.arpa"), 0);
    run(&bed);
    ASSERT_EQ(n_told, 0);
    bed_done(&bed);
}

/* Two orders with the same name: the certificate of the second one is presented after the first one
 * has ended. */
static void test_same_name(void)
{
    Bed bed;
    void *one = NULL, *two = NULL, *three = NULL;
    _cleanup_free_ char *clause = NULL;
    uint64_t first;

    bed_new(&bed);
    ASSERT_EQ(publish(&bed, "a.example.org", "1", &one), 1);
    first = serial(&bed, "a.example.org");
    ASSERT_EQ(publish(&bed, "a.example.org", "2", &two), 0);
    ASSERT_EQ(publish(&bed, "A.example.org", "3", &three), 0);
    run(&bed);
    ASSERT_EQ(n_told, 0);
    ASSERT_EQ(serial(&bed, "a.example.org"), first);
    ASSERT_TRUE(!tlsalpn01_solver.waits_for(one));
    clause = tlsalpn01_solver.waits_for(two);
    ASSERT_STREQ(clause, "the challenge of another order for the same name must end first");

    /* A waiting one may be withdrawn before its turn. */
    tlsalpn01_solver.withdraw(two);
    run(&bed);
    ASSERT_EQ(serial(&bed, "a.example.org"), first);
    tlsalpn01_solver.withdraw(one);
    ASSERT_EQ(serial(&bed, "a.example.org"), 0);
    ASSERT_EQ(n_told, 0); /* never from within the function */
    run(&bed);
    ASSERT_EQ(n_told, 1);
    ASSERT_EQ(n_failed, 0);
    ASSERT_TRUE(serial(&bed, "a.example.org") != 0 && serial(&bed, "a.example.org") != first);
    tlsalpn01_solver.withdraw(three);
    ASSERT_EQ(serial(&bed, "a.example.org"), 0);
    bed_done(&bed);
}

static void test_failures(void)
{
    Bed bed;
    void *one = NULL, *two = NULL;

    bed_new(&bed);
    ASSERT_EQ(publish(&bed, "not a name", "1", &one), -EINVAL);
    ASSERT_TRUE(!one);
    ASSERT_EQ(publish(&bed, "a.example.org", "1", &one), 1);
    ASSERT_EQ(publish(&bed, "a.example.org", "2", &two), 0);
    /* The directory is gone. */
    n_told = n_failed = 0;
    tlsalpn01_solver.withdraw(one);
    ASSERT_OK(rmdir(bed.path));
    run(&bed);
    ASSERT_EQ(n_told, 1);
    ASSERT_EQ(n_failed, 1);
    tlsalpn01_solver.withdraw(two);
    ASSERT_EQ(publish(&bed, "b.example.org", "1", &one), -ENOENT);
    tlsalpn01_solver.withdraw(one);
    bed_done(&bed);
}

static void test_closed_listeners(void)
{
    Verification verification = { 0 };
    _cleanup_free_ char *why = NULL;

    ASSERT_TRUE(!tlsalpn01_solver.suspects(&verification)); /* another program answers */
    verification.listeners = calloc(1, sizeof(*verification.listeners));
    verification.n_listeners = 1;
    ASSERT_OK(listen_address_parse("127.0.0.1:1", verification.listeners));
    why = tlsalpn01_solver.suspects(&verification);
    ASSERT_STREQ(why, "no process of the server listens at 127.0.0.1:1: run systemctl enable "
                      "acmems-tlsalpn01.socket && systemctl restart acmems-tlsalpn01.socket there");
    listen_address_done(verification.listeners);
    free(verification.listeners);
}

int main(void)
{
    test_identifier();
    test_certificate();
    test_different_names();
    test_same_name();
    test_failures();
    test_closed_listeners();
    return 0;
}
