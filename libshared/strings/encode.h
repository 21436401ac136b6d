/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Hexadecimal, base32, base64 and base64url (RFC 4648 §4, §5, §6, §8). */

#include <stddef.h>
#include <stdint.h>

/* Lower-case hex into @out, which holds 2 * size + 1 bytes. */
void hex_encode(const void *data, size_t size, char *out);

/* Decodes either case; writes at most @max bytes to @out. Returns the number of bytes; -EINVAL for
 * an odd count, another character or more than @max bytes. */
int hex_decode(const char *text, size_t length, uint8_t *out, size_t max);

/* Characters of base32 without padding, for a size that is a multiple of 5. */
#define BASE32_LENGTH(size) ((size) / 5 * 8)

/* base32 in lower case of bytes whose number is a multiple of 5, into @out, which holds
 * BASE32_LENGTH(size) + 1 bytes. */
void base32_encode(const void *data, size_t size, char *out);

/* Padded base64. New string; NULL when out of memory. */
char *base64_encode(const void *data, size_t size);

/* Strict: padded, no blanks. Appends a NUL to the bytes; free(). Returns 0, -EINVAL or -ENOMEM. */
int base64_decode(const char *text, size_t length, uint8_t **ret, size_t *ret_size);

/* The same for text from people: base64 or base64url, padded or not. Leaves no other copy of the
 * content in memory. */
int base64_decode_any(const char *text, size_t length, uint8_t **ret, size_t *ret_size);

/* base64url without padding (RFC 7515 §2). New string; NULL when out of memory. */
char *base64url_encode(const void *data, size_t size);
