/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The handshake that a CA validates a name by (RFC 8737 §3). */

#include <openssl/ssl.h>

#include "serving/stop.h"
#include "statedir/tls-challenge.h"

/* What all connections have in common, made before the first of them. NULL: OpenSSL cannot. */
SSL_CTX *validation_context_new(void);

typedef struct Validation {
    int fd;
    const TlsChallenge *challenge;
    const void *received; /* what was read of the client already, from its first byte on */
    size_t size;
    usec_t deadline;
    Stop *stop;
} Validation;

/**
 * validation_serve() - shake hands by the certificate of a challenge
 *
 * No byte of what the client may send then is looked at. 0; -ETIMEDOUT at a deadline; -EPROTO
 * where the client does not agree; -EIO where OpenSSL cannot. *ret_why is what OpenSSL says of it,
 * NULL: nothing.
 */
int validation_serve(const Validation *v, SSL_CTX *context, const char **ret_why);
