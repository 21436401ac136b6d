/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/challenges/tls-challenge.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/io.h"
#include "statedir/files/atomic-file.h"
#include "strings/encode.h"

#define HASH_SIZE 32U
#define NAME_SIZE (2 * HASH_SIZE + 1)

DEFINE_CLEANUP_FUNC(BIO *, BIO_free)
#define _cleanup_bio_ _cleanup_(BIO_freep)

void tls_challenge_done(TlsChallenge *challenge)
{
    X509_free(challenge->certificate);
    EVP_PKEY_free(challenge->key);
    *challenge = (TlsChallenge){ 0 };
}

static int file_name(const char *server_name, char ret[NAME_SIZE])
{
    uint8_t hash[HASH_SIZE];

    if (EVP_Q_digest(NULL, "SHA256", NULL, server_name, strlen(server_name), hash, NULL) != 1)
        return -ENOMEM;
    hex_encode(hash, sizeof(hash), ret);
    return 0;
}

static int tls_challenge_parse(const char *text, size_t size, TlsChallenge *ret)
{
    _cleanup_(tls_challenge_done) TlsChallenge challenge = { 0 };
    _cleanup_bio_ BIO *bio = BIO_new_mem_buf(text, (int)size);

    if (!bio)
        return -ENOMEM;
    challenge.certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    /* An empty passphrase keeps OpenSSL from prompting if the key is encrypted. */
    if (challenge.certificate)
        challenge.key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "");
    ERR_clear_error();
    if (!challenge.key)
        return -EBADMSG;
    *ret = (TlsChallenge){ TAKE_PTR(challenge.certificate), TAKE_PTR(challenge.key) };
    return 0;
}

int tls_challenge_read(int dir_fd, const char *server_name, TlsChallenge *ret)
{
    _cleanup_free_ char *text = NULL;
    char name[NAME_SIZE];
    size_t size = 0;
    int r = file_name(server_name, name);

    if (r >= 0)
        r = read_file_at(dir_fd, name, TLS_CHALLENGE_SIZE_MAX, &text, &size);
    if (r == -ENOENT)
        return CHALLENGE_NOT_FOUND;
    if (r < 0)
        return r;
    r = tls_challenge_parse(text, size, ret);
    explicit_bzero(text, size);
    return r < 0 ? r : CHALLENGE_FOUND;
}

int tls_challenge_write(int dir_fd, const char *server_name, const TlsChallenge *challenge)
{
    /* OpenSSL clears this memory when it is freed. */
    _cleanup_bio_ BIO *bio = BIO_new(BIO_s_mem());
    char name[NAME_SIZE], *text;
    long size;
    int r = file_name(server_name, name);

    if (r < 0)
        return r;
    if (!bio || PEM_write_bio_X509(bio, challenge->certificate) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(bio, challenge->key, NULL, NULL, 0, NULL, NULL) != 1)
        return -ENOMEM;
    size = BIO_get_mem_data(bio, &text);
    if (size <= 0 || (size_t)size > TLS_CHALLENGE_SIZE_MAX)
        return -EFBIG;
    return atomic_replace_at(dir_fd, name, text, (size_t)size, 0640);
}

int tls_challenge_remove(int dir_fd, const char *server_name)
{
    char name[NAME_SIZE];
    int r = file_name(server_name, name);

    if (r < 0)
        return r;
    return unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}
