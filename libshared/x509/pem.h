/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* PEM blocks inside text (RFC 7468). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct PemBlock {
    const char *label; /* points into the text: "CERTIFICATE REQUEST", not terminated */
    size_t label_length;
    const char *start; /* of "-----BEGIN" */
    size_t size;       /* up to and with the end line's last dash */
    const char *data;  /* the bytes between the two lines */
    size_t data_size;
} PemBlock;

/**
 * pem_next() - find the next block of a text
 * @text, @size: advanced past the block; text outside of blocks is ignored (RFC 7468 §2)
 *
 * Returns 1 with a block; 0 if there are no more; -EBADMSG for a begin line without its end line,
 * an end line without its begin line, a block inside a block, a malformed begin or end line, or a
 * NUL byte. Accepts LF and CRLF.
 */
int pem_next(const char **text, size_t *size, PemBlock *ret);
bool pem_block_is(const PemBlock *block, const char *label);

/* Decodes the base64 of the block, and ignores blanks and line ends anywhere in it; free(). Returns
 * 0, -EBADMSG (also for headers, as of an encrypted key) or -ENOMEM. */
int pem_block_decode(const PemBlock *block, uint8_t **ret, size_t *ret_size);
