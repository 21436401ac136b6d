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
    const char *data;  /* what stands between the two lines */
    size_t data_size;
} PemBlock;

/**
 * pem_next() - next block of a text
 * @text, @size: advanced behind the block found; text outside of blocks is passed over (RFC 7468
 * §2)
 *
 * Returns 1 with a block, 0 when there is none any more, -EBADMSG for a begin line without its
 * end line, an end line without a begin line, a block inside a block, a malformed begin or end line
 * or a NUL byte. LF, CRLF.
 */
int pem_next(const char **text, size_t *size, PemBlock *ret);
bool pem_block_is(const PemBlock *block, const char *label);

/* The block's base64 decoded, blanks and line ends anywhere in it passed over; free(). 0, -EBADMSG
 * (headers, as of an encrypted key, are not base64) or -ENOMEM. */
int pem_block_decode(const PemBlock *block, uint8_t **ret, size_t *ret_size);
