/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account-dir.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "atomic-file.h"
#include "credential.h"
#include "io.h"
#include "macro.h"

#define KEY_FILE          "account.pem"
#define REGISTRATION_FILE "registration.json"
#define FILE_SIZE_MAX     ((size_t)64 * 1024)
#define RSA_BITS_MIN      2048

DEFINE_CLEANUP_FUNC(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP_FUNC(BIO *, BIO_free)

static int read_account_file(const char *directory, const char *name, char **ret, size_t *ret_size)
{
    _cleanup_free_ char *path = NULL;
    int r;

    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return -ENOMEM;
    r = read_file_at(AT_FDCWD, path, FILE_SIZE_MAX, ret, ret_size);
    return r == -EFBIG ? -EBADMSG : r;
}

/* An encrypted key is refused: nobody is there to be asked. */
static int no_passphrase(char *buf, int size, int writing, void *userdata)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)userdata;
    return -1;
}

/* The keys that there is a JWS algorithm for: RS256, ES256, ES384 (RFC 7518 §3.1). */
static bool key_is_usable(const EVP_PKEY *key)
{
    char curve[64];

    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
    case EVP_PKEY_EC:
        return EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1 &&
               (streq(curve, SN_X9_62_prime256v1) || streq(curve, SN_secp384r1));
    default:
        return false;
    }
}

static int key_parse(const char *pem, size_t size, EVP_PKEY **ret)
{
    _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    _cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(pem, (int)size);

    if (!bio)
        return -ENOMEM;
    key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    ERR_clear_error();
    if (!key || !key_is_usable(key))
        return -EBADMSG;
    *ret = TAKE_PTR(key);
    return 0;
}

bool account_key_is_credential(void)
{
    return credential_directory(KEY_FILE);
}

int account_key_load(const char *directory, EVP_PKEY **ret)
{
    const char *credentials = credential_directory(KEY_FILE);
    _cleanup_free_ char *pem = NULL;
    size_t size;
    int r;

    r = read_account_file(credentials ? credentials : directory, KEY_FILE, &pem, &size);
    if (r < 0)
        return r;
    r = key_parse(pem, size, ret);
    OPENSSL_cleanse(pem, size);
    return r;
}

int account_key_save(const char *directory, EVP_PKEY *key, bool replace)
{
    /* Wiped when freed. */
    _cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_secmem());
    _cleanup_close_ int fd = -EBADF;
    char *pem;
    long size;

    if (account_key_is_credential())
        return -EROFS;
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        ERR_clear_error();
        return -ENOMEM;
    }
    size = BIO_get_mem_data(bio, &pem);
    fd = directory_open(directory, 0700);
    if (fd < 0)
        return fd;
    return (replace ? atomic_replace_at : atomic_create_at)(fd, KEY_FILE, pem, (size_t)size, 0600);
}

int account_registration_load(const char *directory, json_t **ret)
{
    _cleanup_(json_decrefp) json_t *registration = NULL;
    _cleanup_free_ char *text = NULL;
    const json_t *uri;
    size_t size;
    int r;

    r = read_account_file(directory, REGISTRATION_FILE, &text, &size);
    if (r < 0)
        return r;
    registration = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    uri = json_object_get(registration, "uri");
    if (!json_is_object(json_object_get(registration, "body")) || (uri && !json_is_string(uri)))
        return -EBADMSG;
    *ret = TAKE_PTR(registration);
    return 0;
}

int account_registration_save(const char *directory, const json_t *registration)
{
    _cleanup_free_ char *text = json_dumps(registration, JSON_SORT_KEYS | JSON_INDENT(4));
    _cleanup_close_ int fd = -EBADF;

    if (!text)
        return -ENOMEM;
    fd = directory_open(directory, 0700);
    if (fd < 0)
        return fd;
    return atomic_replace_at(fd, REGISTRATION_FILE, text, strlen(text), 0600);
}
