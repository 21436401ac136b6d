/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/authentication.h"

#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <strings.h>

#include "base/macro.h"
#include "base/number.h"
#include "strings/encode.h"

#define SCHEME    "hmac"
#define BLANKS    " \t"
#define SEPARATOR BLANKS ","

typedef struct Part {
    const char *key;
    const char *value; /* points into the header; NULL: not found */
    size_t length;
} Part;

/* Stores "key=value" in the part of that key. */
static int part_take(const char *word, size_t length, Part *parts, size_t n_parts)
{
    for (size_t i = 0; i < n_parts; i++) {
        size_t key_length = strlen(parts[i].key);

        if (length <= key_length || strncasecmp(word, parts[i].key, key_length) != 0 ||
            word[key_length] != '=')
            continue;
        if (parts[i].value)
            return -EINVAL;
        parts[i].value = word + key_length + 1;
        parts[i].length = length - key_length - 1;
        return 0;
    }
    return -EINVAL;
}

/* Whether it has the form of the name of a digest. */
static bool is_word(const Part *part)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_/";

    return part->length > 0 && strspn(part->value, letters) >= part->length;
}

int authentication_parse(const char *value, Authentication *ret)
{
    Part parts[] = { { .key = "name" }, { .key = "hash" }, { .key = "time" } };
    const Part *name = &parts[0], *hash = &parts[1], *at_time = &parts[2];
    Authentication authentication = { 0 };
    const char *at = value + strspn(value, BLANKS);
    size_t length;

    if (strncasecmp(at, SCHEME, STRLEN(SCHEME)) != 0)
        return -EINVAL;
    at += STRLEN(SCHEME);
    if (strspn(at, BLANKS) == 0)
        return -EINVAL;
    at += strspn(at, BLANKS);
    for (; *at; at += length + strspn(at + length, SEPARATOR)) {
        int r;

        length = strcspn(at, SEPARATOR);
        r = part_take(at, length, parts, ELEMENTSOF(parts));
        if (r < 0)
            return r;
    }
    if (!name->value || !is_word(name) || !hash->value)
        return -EINVAL;
    authentication.digest = digest_find(name->value, name->length);
    if (!authentication.digest)
        return -EOPNOTSUPP;
    if (hash->length != 2 * authentication.digest->size ||
        hex_decode(hash->value, hash->length, authentication.hash, sizeof(authentication.hash)) < 0)
        return -EINVAL;
    authentication.has_time = at_time->value;
    if (authentication.has_time && number_parse(at_time->value, at_time->length,
                                                AUTHENTICATION_TIME_MAX, &authentication.time) < 0)
        return -EINVAL;
    *ret = authentication;
    return 0;
}

static EVP_MAC_CTX *context_new(const Digest *digest)
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest->openssl, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;

    EVP_MAC_free(mac);
    if (context && !EVP_MAC_CTX_set_params(context, params)) {
        EVP_MAC_CTX_free(context);
        return NULL;
    }
    return context;
}

/* Keeps the context of the last digest: a request may be compared with the keys of many blocks, and
 * to look up the digest takes longer than the HMAC itself. */
static EVP_MAC_CTX *context_of(const Digest *digest)
{
    static EVP_MAC_CTX *context;
    static const Digest *kept;

    if (digest != kept) {
        EVP_MAC_CTX_free(context);
        context = context_new(digest);
        kept = context ? digest : NULL;
    }
    return context;
}

int authentication_hmac(const Digest *digest, const char *key, const struct iovec *parts,
                        size_t n_parts, uint8_t out[DIGEST_SIZE_MAX])
{
    EVP_MAC_CTX *context = context_of(digest);
    size_t written = 0;

    if (!context || !EVP_MAC_init(context, (const unsigned char *)key, strlen(key), NULL))
        return -EIO;
    for (size_t i = 0; i < n_parts; i++)
        if (!EVP_MAC_update(context, parts[i].iov_base, parts[i].iov_len))
            return -EIO;
    if (!EVP_MAC_final(context, out, &written, DIGEST_SIZE_MAX))
        return -EIO;
    return written == digest->size ? 0 : -EIO;
}

bool authentication_verify(const Authentication *authentication, const char *key, const void *body,
                           size_t size)
{
    uint8_t expected[DIGEST_SIZE_MAX];
    char line[32] = "";
    struct iovec parts[2];

    if (authentication->has_time)
        (void)snprintf(line, sizeof(line), "%" PRIu64 "\n", authentication->time);
    parts[0] = (struct iovec){ .iov_base = line, .iov_len = strlen(line) };
    parts[1] = (struct iovec){ .iov_base = (void *)body, .iov_len = size };
    if (authentication_hmac(authentication->digest, key, parts, ELEMENTSOF(parts), expected) < 0)
        return false;
    return CRYPTO_memcmp(expected, authentication->hash, authentication->digest->size) == 0;
}

int authentication_format(const Digest *digest, const char *key, const void *body, size_t size,
                          char **ret)
{
    const struct iovec part = { .iov_base = (void *)body, .iov_len = size };
    char hex[2 * DIGEST_SIZE_MAX + 1];
    uint8_t hash[DIGEST_SIZE_MAX];
    char *text;
    int r;

    r = authentication_hmac(digest, key, &part, 1, hash);
    if (r < 0)
        return r;
    hex_encode(hash, digest->size, hex);
    if (asprintf(&text, SCHEME " name=%s, hash=%s", digest->name, hex) < 0)
        return -ENOMEM;
    *ret = text;
    return 0;
}
