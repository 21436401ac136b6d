/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/account/account-dir.h"

#include <openssl/err.h>

#include "make-x509.h"
#include "test-directory.h"
#include "test.h"

static char *read_text(const char *directory, const char *name)
{
    _cleanup_free_ char *path = test_path(directory, name);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 10000);

    ASSERT_TRUE(file && text);
    ASSERT_TRUE(fread(text, 1, 9999, file) > 0);
    (void)fclose(file);
    return text;
}

static char why[ACCOUNT_KEY_WHY_SIZE];

static void assert_unusable(const char *directory, const char *words)
{
    EVP_PKEY *key = NULL;

    ASSERT_EQ(account_key_load(directory, why, &key), -EBADMSG);
    ASSERT_STREQ(why, words);
    ASSERT_TRUE(!key);
    ASSERT_EQ(ERR_peek_error(), 0);
}

static void test_save_and_load(void)
{
    static const char *const types[] = { "RSA-2048", "P-256", "P-384" };
    _cleanup_test_directory_ char *parent = test_directory_new();
    _cleanup_free_ char *directory = test_path(parent, "new/account"), *text = NULL;
    EVP_PKEY *loaded = NULL;

    ASSERT_EQ(account_key_load(directory, why, &loaded), -ENOENT);
    for (size_t i = 0; i < ELEMENTSOF(types); i++) {
        _cleanup_key_ EVP_PKEY *key = make_key(types[i]);

        if (i > 0)
            ASSERT_EQ(account_key_save(directory, key, false), -EEXIST);
        ASSERT_OK(account_key_save(directory, key, i > 0));
        ASSERT_EQ(test_mode(directory, "account.pem"), 0600);
        ASSERT_OK(account_key_load(directory, why, &loaded));
        ASSERT_EQ(EVP_PKEY_eq(loaded, key), 1);
        EVP_PKEY_free(loaded);
        loaded = NULL;
    }
    ASSERT_EQ(test_mode(directory, "."), 0700);
    text = read_text(directory, "account.pem");
    ASSERT_EQ(strncmp(text, "-----BEGIN PRIVATE KEY-----\n", 28), 0);
}

/* The Python server writes PKCS#1, openssl ecparam -genkey writes SEC1. */
static void test_older_formats(void)
{
    static const char *const types[] = { "RSA-2048", "P-256" };
    _cleanup_test_directory_ char *directory = test_directory_new();

    for (size_t i = 0; i < ELEMENTSOF(types); i++) {
        _cleanup_key_ EVP_PKEY *key = make_key(types[i]), *loaded = NULL;
        _cleanup_free_ char *path = test_path(directory, "account.pem");
        BIO *bio = BIO_new_file(path, "w");

        if (i == 0)
            BIO_puts(bio, "\xef\xbb\xbf"); /* some editors write a byte order mark */
        else
            BIO_puts(bio, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
                          "-----END EC PARAMETERS-----\n");
        ASSERT_EQ(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL), 1);
        BIO_free(bio);
        ASSERT_OK(account_key_load(directory, why, &loaded));
        ASSERT_EQ(EVP_PKEY_eq(loaded, key), 1);
    }
}

static void write_encrypted(const char *directory, EVP_PKEY *key, char *passphrase, bool as_pkcs8)
{
    _cleanup_free_ char *path = test_path(directory, "account.pem");
    BIO *bio = BIO_new_file(path, "w");
    int length = (int)strlen(passphrase);

    ASSERT_EQ(as_pkcs8 ? PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), passphrase,
                                                       length, NULL, NULL)
                       : PEM_write_bio_PrivateKey_traditional(bio, key, EVP_aes_128_cbc(),
                                                              (const unsigned char *)passphrase,
                                                              length, NULL, NULL),
              1);
    BIO_free(bio);
}

#define USABLE "; acmems uses RSA keys of 2048 to 8192 bits and EC keys on P-256 or P-384"

/* Other keys and other forms of a key are told by what they are. */
static void test_unusable(void)
{
    static const struct {
        const char *type, *words;
    } types[] = {
        { "RSA-1024", "it is an RSA key of 1024 bits" USABLE },
        { "P-521", "it is an EC key on P-521" USABLE },
        { "secp256k1", "it is an EC key on secp256k1" USABLE },
        { "Ed25519", "it is an Ed25519 key" USABLE },
        { "Ed448", "it is an Ed448 key" USABLE },
    };
    static const struct {
        const char *text, *words;
    } texts[] = {
        { "", "it is empty" },
        { "\n \n", "it is empty" },
        { "\xff\xfe-", "it is in UTF-16; save it as UTF-8" },
        { "{\"kty\": \"EC\", \"crv\": \"P-256\", \"x\": \"AA\", \"y\": \"AA\", \"d\": \"AA\"}",
          "it is a JSON Web Key (JWK); convert it to PEM" },
        { "\xef\xbb\xbf\n{ \"d\" : \"AA\", \"kty\" : \"RSA\" }\n",
          "it is a JSON Web Key (JWK); convert it to PEM" },
        { "{\"uri\": \"https://ca.test/account/1\"}", "it is not a private key in PEM form" },
        { "-----BEGIN PRIVATE KEY-----\nMAA=\n",
          "its PRIVATE KEY is damaged or of an unknown type" },
        { "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
          "its PRIVATE KEY is damaged or of an unknown type" },
        { "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb=\n-----END OPENSSH PRIVATE KEY-----\n",
          "it contains OPENSSH PRIVATE KEY, not a private key in PEM form" },
        { "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n",
          "it contains PUBLIC KEY, not a private key in PEM form" },
        { "-----BEGIN ", "it is not a private key in PEM form" },
        { "0\x82", "it is not a private key in PEM form" }, /* DER */
    };
    static char passphrase[] = "secret", empty[] = "";
    _cleanup_test_directory_ char *directory = test_directory_new();
    _cleanup_key_ EVP_PKEY *good = make_key("P-256");
    _cleanup_free_ char *certificate = make_certificate(good, NULL, 0, 1000);
    _cleanup_free_ char *huge = calloc(1, 65 * 1024 + 1);

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        test_write(directory, "account.pem", texts[i].text);
        assert_unusable(directory, texts[i].words);
    }
    test_write(directory, "account.pem", certificate);
    assert_unusable(directory, "it contains CERTIFICATE, not a private key in PEM form");
    memset(huge, '\n', (size_t)65 * 1024);
    test_write(directory, "account.pem", huge);
    assert_unusable(directory, "it is larger than 64 KiB");
    for (unsigned as_pkcs8 = 0; as_pkcs8 < 2; as_pkcs8++) {
        write_encrypted(directory, good, passphrase, as_pkcs8);
        assert_unusable(directory, "it is encrypted; decrypt it with openssl pkey");
    }
    write_encrypted(directory, good, empty, true);
    assert_unusable(directory, "it is encrypted; decrypt it with openssl pkey");
    for (size_t i = 0; i < ELEMENTSOF(types); i++) {
        _cleanup_key_ EVP_PKEY *key = make_key(types[i].type);

        ASSERT_OK(account_key_save(directory, key, true));
        assert_unusable(directory, types[i].words);
    }
}

static void test_registration(void)
{
    static const char expected[] = "{\n"
                                   "    \"body\": {\n"
                                   "        \"contact\": [],\n"
                                   "        \"status\": \"valid\"\n"
                                   "    },\n"
                                   "    \"uri\": \"https://ca.example/acct/1\"\n"
                                   "}";
    _cleanup_test_directory_ char *parent = test_directory_new();
    _cleanup_free_ char *directory = test_path(parent, "account"), *text = NULL;
    json_t *loaded = NULL;
    json_t *registration = json_pack("{s:s, s:{s:s, s:[]}}", "uri", "https://ca.example/acct/1",
                                     "body", "status", "valid", "contact");

    ASSERT_EQ(account_registration_load(directory, &loaded), -ENOENT);
    ASSERT_OK(account_registration_save(directory, registration));
    ASSERT_EQ(test_mode(directory, "registration.json"), 0600);
    text = read_text(directory, "registration.json");
    ASSERT_STREQ(text, expected);
    ASSERT_OK(account_registration_load(directory, &loaded));
    ASSERT_TRUE(json_equal(loaded, registration));
    json_decref(loaded);
    /* some editors write a byte order mark */
    test_write(directory, "registration.json",
               "\xef\xbb\xbf{\"body\": {}, \"uri\": \"https://a\"}");
    ASSERT_OK(account_registration_load(directory, &loaded));
    json_decref(loaded);
    json_decref(registration);
}

static void test_registration_refused(void)
{
    static const char *const wrong[] = {
        "",
        "{",
        "[]",
        "\"text\"",
        "{\"uri\": \"https://ca.example/acct/1\"}",
        "{\"body\": [], \"uri\": \"https://ca.example/acct/1\"}",
        "{\"body\": {}, \"uri\": 1}",
        "{\"body\": {}, \"uri\": \"https://a\", \"uri\": \"https://b\"}",
        "{\"body\": {}, \"uri\": \"https://a\"} more",
    };
    _cleanup_test_directory_ char *directory = test_directory_new();

    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        json_t *loaded = NULL;

        test_write(directory, "registration.json", wrong[i]);
        ASSERT_EQ(account_registration_load(directory, &loaded), -EBADMSG);
        ASSERT_TRUE(!loaded);
    }
}

/* Before the terms of service are accepted, the file has only the contacts for the account. */
static void test_registration_without_uri(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();
    json_t *loaded = NULL;

    test_write(directory, "registration.json", "{\"body\": {\"contact\": []}}");
    ASSERT_OK(account_registration_load(directory, &loaded));
    ASSERT_TRUE(json_object_get(loaded, "body"));
    json_decref(loaded);
}

static void test_new_key(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();
    _cleanup_key_ EVP_PKEY *old = make_key("P-256"), *new = make_key("P-384"), *loaded = NULL;
    _cleanup_free_ char *left = test_path(directory, ".tmp-left");

    ASSERT_FALSE(account_new_key_exists(directory));
    ASSERT_EQ(account_new_key_load(directory, why, &loaded), -ENOENT);
    ASSERT_OK(account_key_save(directory, old, false));
    ASSERT_OK(account_new_key_save(directory, old));
    ASSERT_EQ(account_new_key_save(directory, new), -EEXIST);
    ASSERT_OK(account_new_key_remove(directory));
    ASSERT_OK(account_new_key_save(directory, new));
    ASSERT_EQ(test_mode(directory, "account.new.pem"), 0600);
    ASSERT_TRUE(account_new_key_exists(directory));
    test_write(directory, ".tmp-left", "over");
    ASSERT_OK(account_new_key_adopt(directory));
    ASSERT_FALSE(account_new_key_exists(directory));
    ASSERT_EQ(access(left, F_OK), -1);
    ASSERT_OK(account_key_load(directory, why, &loaded));
    ASSERT_EQ(EVP_PKEY_eq(loaded, new), 1);
}

static void test_lock(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();
    int fd = account_dir_lock(directory);

    ASSERT_TRUE(fd >= 0);
    ASSERT_EQ(account_dir_lock(directory), -EBUSY);
    safe_close(fd);
    fd = account_dir_lock(directory);
    ASSERT_TRUE(fd >= 0);
    safe_close(fd);
    ASSERT_EQ(account_dir_lock("/nowhere"), -ENOENT);
}

int main(void)
{
    test_new_key();
    test_lock();
    test_registration_without_uri();
    test_save_and_load();
    test_older_formats();
    test_unusable();
    test_registration();
    test_registration_refused();
    return 0;
}
