/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/key.h"

#include <openssl/evp.h>

#include "strings/encode.h"

int storage_key(const void *body, size_t size, char key[STORAGE_KEY_SIZE])
{
    unsigned char hash[(STORAGE_KEY_SIZE - 1) / 2];

    if (EVP_Q_digest(NULL, "SHA384", NULL, body, size, hash, NULL) != 1)
        return -ENOMEM;
    hex_encode(hash, sizeof(hash), key);
    return 0;
}

bool storage_is_key(const char *text)
{
    return strlen(text) == STORAGE_KEY_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == STORAGE_KEY_SIZE - 1;
}

uint32_t storage_key_dice(const char *key)
{
    char digits[9] = { 0 };

    memcpy(digits, key, sizeof(digits) - 1);
    return (uint32_t)strtoul(digits, NULL, 16);
}
