/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The request header "Authentication: hmac name=sha256, time=<seconds>, hash=<hex>", and the header
 * of the response, "Authentication-Info: hmac name=sha256, hash=<hex>". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/digest.h"

#define AUTHENTICATION_TIME_MAX UINT64_C(999999999999)

typedef struct Authentication {
    const Digest *digest;
    uint8_t hash[DIGEST_SIZE_MAX]; /* digest->size bytes */
    bool has_time;
    uint64_t time; /* s since 1970, up to AUTHENTICATION_TIME_MAX */
} Authentication;

/**
 * authentication_parse() - parse the value of the header
 * @value: "hmac name=sha256, hash=…"; separated by comma, blank or both; any case; time=… is
 * optional
 *
 * Returns 0; -EOPNOTSUPP for an unknown digest; -EINVAL for another scheme, a missing, unknown or
 * repeated part, a hash that is not hex or has the wrong size, a time that is not a decimal number
 * or has leading zeros.
 */
int authentication_parse(const char *value, Authentication *ret);

/* Computes the HMAC (RFC 2104) of the parts, one after the other, into @out, digest->size bytes.
 * Returns 0 or -EIO. */
int authentication_hmac(const Digest *digest, const char *key, const struct iovec *parts,
                        size_t n_parts, uint8_t out[DIGEST_SIZE_MAX]);

/* Whether the body has this HMAC under the key: with a time, the line of the time followed by the
 * body. Does not judge the time. Compares in constant time. */
bool authentication_verify(const Authentication *authentication, const char *key, const void *body,
                           size_t size);

/* Makes the value of Authentication-Info for a response with this body; free(). Returns 0, -EIO or
 * -ENOMEM. */
int authentication_format(const Digest *digest, const char *key, const void *body, size_t size,
                          char **ret);
