/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/ca-file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "make-x509.h"
#include "test-directory.h"
#include "test.h"

/* @words: NULL for a good file. */
static void expect(const char *directory, const char *text, const char *words)
{
    _cleanup_free_ char *path = test_path(directory, "ca.pem");
    const char *why = NULL;

    test_write(directory, "ca.pem", text);
    ERR_raise(ERR_LIB_PEM, PEM_R_BAD_BASE64_DECODE); /* of an earlier function */
    ASSERT_EQ(ca_file_check(path, &why), words ? -EBADMSG : 0);
    if (words)
        ASSERT_STREQ(why, words);
    ASSERT_EQ(ERR_peek_error(), 0);
}

static void test_pem(const char *directory)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *certificate = make_certificate(key, "DNS:ca.test", 0, 1000);
    _cleanup_free_ char *marked = join("\xef\xbb\xbf# our CA\n", certificate, "\n");
    _cleanup_free_ char *two = join(certificate, "between\n", certificate);
    _cleanup_free_ char *broken =
        join(certificate, "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "");

    expect(directory, certificate, NULL);
    expect(directory, marked, NULL);
    expect(directory, two, NULL);
    expect(directory, broken, "contains a damaged certificate");
    expect(directory, "", "contains no certificate in PEM form");
    expect(directory, "no certificate\n", "contains no certificate in PEM form");
    expect(directory, "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n",
           "contains no certificate in PEM form");
}

static void test_der(const char *directory)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *certificate = make_certificate(key, "DNS:ca.test", 0, 1000);
    _cleanup_free_ char *path = test_path(directory, "ca.der");
    BIO *from = BIO_new_mem_buf(certificate, -1), *to = BIO_new_file(path, "w");
    X509 *x509 = PEM_read_bio_X509(from, NULL, NULL, NULL);
    const char *why = NULL;

    ASSERT_EQ(i2d_X509_bio(to, x509), 1);
    X509_free(x509);
    BIO_free(from);
    BIO_free(to);
    ASSERT_EQ(ca_file_check(path, &why), -EBADMSG);
    ASSERT_STREQ(why, "is in DER form: convert it with openssl x509 -inform DER");
}

static void test_unreadable(const char *directory)
{
    _cleanup_free_ char *missing = test_path(directory, "missing"),
                        *fifo = test_path(directory, "fifo");
    const char *why = NULL;

    ASSERT_OK(mkfifo(fifo, 0600));
    ASSERT_EQ(ca_file_check(directory, &why), -EISDIR);
    ASSERT_EQ(ca_file_check(missing, &why), -ENOENT);
    ASSERT_EQ(ca_file_check(fifo, &why), -EINVAL);
    ASSERT_TRUE(!why);
}

int main(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();

    test_pem(directory);
    test_der(directory);
    test_unreadable(directory);
    return 0;
}
