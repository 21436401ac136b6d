/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* An input of DER as PEM: a mutation of base64 would hardly ever reach the DER behind it. */

#include <stdint.h>
#include <stdio.h>

#include "base/macro.h"
#include "strings/encode.h"

#define INPUT_DER_SEQUENCE 0x30

/* Returns NULL if the input does not begin like DER; free(). */
static inline char *input_as_pem(const uint8_t *data, size_t size, const char *label)
{
    _cleanup_free_ char *text = NULL;
    char *pem = NULL;

    if (size == 0 || data[0] != INPUT_DER_SEQUENCE)
        return NULL;
    text = base64_encode(data, size);
    if (!text ||
        asprintf(&pem, "-----BEGIN %s-----\n%s\n-----END %s-----\n", label, text, label) < 0)
        return NULL;
    return pem;
}
