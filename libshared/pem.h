/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* PEM blocks inside text (RFC 7468): finds them, decodes nothing. */

#include <stdbool.h>
#include <stddef.h>

typedef struct PemBlock {
    const char *label; /* points into the text: "CERTIFICATE REQUEST", not terminated */
    size_t label_length;
    const char *start; /* of "-----BEGIN" */
    size_t size;       /* up to and with the end line's last dash */
} PemBlock;

/**
 * pem_next() - next block of a text
 * @text, @size: advanced behind the block found; text outside of blocks is passed over (RFC 7468
 * §2)
 *
 * Returns 1 with a block, 0 when there is none any more, -EBADMSG for a begin line without its
 * end line, an end line without a begin line, a block inside a block or a NUL byte. LF, CRLF.
 */
int pem_next(const char **text, size_t *size, PemBlock *ret);
bool pem_block_is(const PemBlock *block, const char *label);
