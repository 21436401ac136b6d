/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/challenges/tls-challenge.h"

#include "make-x509.h"
#include "statedir/files/atomic-file.h"
#include "test-directory.h"

/* SHA-256 of www.example.org */
#define FILE_NAME "8a59b0a30caeff0f2ca1340ecc08d83864973137b4685b3507b087fb3758c7d3"

static TlsChallenge make_challenge(void)
{
    TlsChallenge challenge = { .key = make_key("P-256") };
    _cleanup_free_ char *pem = make_certificate(challenge.key, "DNS:www.example.org", 0, 60);
    BIO *bio = BIO_new_mem_buf(pem, -1);

    challenge.certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    ASSERT_TRUE(challenge.certificate);
    BIO_free(bio);
    return challenge;
}

static void test_life(void)
{
    _cleanup_test_directory_ char *path = test_directory_new();
    _cleanup_close_ int fd = directory_open(path, 0750);
    _cleanup_(tls_challenge_done) TlsChallenge one = make_challenge(), two = make_challenge();
    _cleanup_(tls_challenge_done) TlsChallenge found = { 0 };

    ASSERT_EQ(tls_challenge_read(fd, "www.example.org", &found), CHALLENGE_NOT_FOUND);
    ASSERT_OK(tls_challenge_write(fd, "www.example.org", &one));
    ASSERT_EQ(test_mode(path, FILE_NAME), 0640);
    ASSERT_EQ(tls_challenge_read(fd, "example.org", &found), CHALLENGE_NOT_FOUND);
    ASSERT_EQ(tls_challenge_read(fd, "www.example.org", &found), CHALLENGE_FOUND);
    ASSERT_EQ(X509_cmp(found.certificate, one.certificate), 0);
    ASSERT_EQ(EVP_PKEY_eq(found.key, one.key), 1);

    tls_challenge_done(&found);
    ASSERT_OK(tls_challenge_write(fd, "www.example.org", &two));
    ASSERT_EQ(tls_challenge_read(fd, "www.example.org", &found), CHALLENGE_FOUND);
    ASSERT_EQ(X509_cmp(found.certificate, two.certificate), 0);

    ASSERT_OK(tls_challenge_remove(fd, "www.example.org"));
    ASSERT_OK(tls_challenge_remove(fd, "www.example.org"));
    ASSERT_FALSE(test_exists(path, FILE_NAME));
    tls_challenge_done(&two);
}

static void test_damaged(void)
{
    static const char *const contents[] = { "", "x", "-----BEGIN CERTIFICATE-----\n" };
    _cleanup_test_directory_ char *path = test_directory_new();
    _cleanup_close_ int fd = directory_open(path, 0750);
    _cleanup_free_ char *certificate = NULL, *big = calloc(1, TLS_CHALLENGE_SIZE_MAX + 2);
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    TlsChallenge found;

    for (size_t i = 0; i < ELEMENTSOF(contents); i++) {
        test_write(path, FILE_NAME, contents[i]);
        ASSERT_EQ(tls_challenge_read(fd, "www.example.org", &found), -EBADMSG);
    }
    certificate = make_certificate(key, "DNS:www.example.org", 0, 60);
    test_write(path, FILE_NAME, certificate); /* without a key */
    ASSERT_EQ(tls_challenge_read(fd, "www.example.org", &found), -EBADMSG);
    memset(big, 'x', TLS_CHALLENGE_SIZE_MAX + 1);
    test_write(path, FILE_NAME, big);
    ASSERT_EQ(tls_challenge_read(fd, "www.example.org", &found), -EFBIG);
}

/* The file of any name is in the directory. */
static void test_never_outside(void)
{
    _cleanup_test_directory_ char *path = test_directory_new();
    _cleanup_free_ char *inner = test_path(path, "inner");
    _cleanup_close_ int fd = directory_open(inner, 0750);
    _cleanup_(tls_challenge_done) TlsChallenge challenge = make_challenge();

    ASSERT_OK(tls_challenge_write(fd, "../x", &challenge));
    ASSERT_OK(tls_challenge_write(fd, "", &challenge));
    ASSERT_FALSE(test_exists(path, "x"));
    ASSERT_OK(tls_challenge_remove(fd, "../x"));
}

int main(void)
{
    test_life();
    test_damaged();
    test_never_outside();
    return 0;
}
