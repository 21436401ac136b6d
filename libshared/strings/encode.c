/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/encode.h"

#include <stdbool.h>

#include "base/macro.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base32_digits[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void hex_encode(const void *data, size_t size, char *out)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++) {
        *out++ = hex_digits[bytes[i] >> 4];
        *out++ = hex_digits[bytes[i] & 0xf];
    }
    *out = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -EINVAL;
}

int hex_decode(const char *text, size_t length, uint8_t *out, size_t max)
{
    if (length % 2 != 0 || length / 2 > max || length / 2 > INT32_MAX)
        return -EINVAL;
    for (size_t i = 0; i < length / 2; i++) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return -EINVAL;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return (int)(length / 2);
}

void base32_encode(const void *data, size_t size, char *out)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i + 5 <= size; i += 5) {
        uint64_t group = 0;

        for (size_t k = 0; k < 5; k++)
            group = group << 8 | bytes[i + k];
        for (int shift = 35; shift >= 0; shift -= 5)
            *out++ = base32_digits[group >> shift & 0x1f];
    }
    *out = '\0';
}

static char *encode(const void *data, size_t size, const char *digits, bool pad)
{
    const uint8_t *bytes = data;
    char *text, *out;

    if (size > SIZE_MAX / 2)
        return NULL;
    text = out = malloc((size + 2) / 3 * 4 + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < size; i += 3) {
        size_t n = size - i < 3 ? size - i : 3;
        uint32_t group = (uint32_t)bytes[i] << 16;

        if (n > 1)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (n > 2)
            group |= bytes[i + 2];
        for (size_t k = 0; k < 4; k++)
            if (k <= n)
                *out++ = digits[group >> (18 - 6 * k) & 0x3f];
            else if (pad)
                *out++ = '=';
    }
    *out = '\0';
    return text;
}

char *base64_encode(const void *data, size_t size)
{
    return encode(data, size, base64_digits, true);
}

char *base64url_encode(const void *data, size_t size)
{
    return encode(data, size, base64url_digits, false);
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    if (c == '/')
        return 63;
    return -EINVAL;
}

int base64_decode(const char *text, size_t length, uint8_t **ret, size_t *ret_size)
{
    _cleanup_free_ uint8_t *bytes = NULL;
    size_t padding = 0, size = 0;
    uint32_t bits = 0;

    if (length % 4 != 0)
        return -EINVAL;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    bytes = malloc(length / 4 * 3 + 1);
    if (!bytes)
        return -ENOMEM;
    for (size_t i = 0; i < length - padding; i++) {
        int value = base64_value(text[i]);

        if (value < 0)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)value;
        /* Each digit completes a byte, except the first of a group of four. */
        if (i % 4 != 0)
            bytes[size++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    /* The unused bits of the last digit must be zero: one encoding per content. */
    if (padding > 0 && (bits & ((1U << 2 * padding) - 1)) != 0)
        return -EINVAL;
    bytes[size] = '\0';
    *ret = TAKE_PTR(bytes);
    *ret_size = size;
    return 0;
}

int base64_decode_any(const char *text, size_t length, uint8_t **ret, size_t *ret_size)
{
    _cleanup_free_ char *strict = NULL;
    size_t n = length;
    int r;

    if (length % 4 == 0)
        while (n > 0 && length - n < 2 && text[n - 1] == '=')
            n--;
    if (memchr(text, '=', n))
        return -EINVAL;
    strict = malloc(n + 4);
    if (!strict)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        strict[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    while (n % 4 != 0)
        strict[n++] = '=';
    r = base64_decode(strict, n, ret, ret_size);
    explicit_bzero(strict, n);
    return r;
}
