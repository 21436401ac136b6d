/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/authentication.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <strings.h>

#include "base/macro.h"
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

int authentication_parse(const char *value, Authentication *ret)
{
    Part parts[] = { { .key = "name" }, { .key = "hash" } };
    const Part *name = &parts[0], *hash = &parts[1];
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
    if (!name->value || !hash->value)
        return -EINVAL;
    authentication.digest = digest_find(name->value, name->length);
    if (!authentication.digest)
        return -EINVAL;
    if (hash->length != 2 * authentication.digest->size ||
        hex_decode(hash->value, hash->length, authentication.hash, sizeof(authentication.hash)) < 0)
        return -EINVAL;
    *ret = authentication;
    return 0;
}

int authentication_hmac(const Digest *digest, const void *key, size_t key_size, const void *data,
                        size_t size, uint8_t out[DIGEST_SIZE_MAX])
{
    size_t written = 0;

    if (!EVP_Q_mac(NULL, "HMAC", NULL, digest->openssl, NULL, key, key_size, data, size, out,
                   DIGEST_SIZE_MAX, &written))
        return -EIO;
    return written == digest->size ? 0 : -EIO;
}

bool authentication_verify(const Authentication *authentication, const void *key, size_t key_size,
                           const void *body, size_t size)
{
    uint8_t expected[DIGEST_SIZE_MAX];

    if (authentication_hmac(authentication->digest, key, key_size, body, size, expected) < 0)
        return false;
    return CRYPTO_memcmp(expected, authentication->hash, authentication->digest->size) == 0;
}
