/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The handshake by which a CA validates a name (RFC 8737 §3). */

#include <openssl/ssl.h>

#include "serving/stop.h"
#include "statedir/challenges/tls-challenge.h"

/* Returns the settings that all connections share, made before the first one; NULL when OpenSSL
 * fails. SSL_CTX_free() */
SSL_CTX *validation_context_new(void);

typedef struct Validation {
    int fd;
    const TlsChallenge *challenge;
    const void *received; /* bytes already read from the client, beginning with the first one */
    size_t size;
    usec_t deadline;
    Stop *stop;
} Validation;

/**
 * validation_serve() - do the handshake with the certificate of a challenge
 * @ret_why: set to the error text of OpenSSL (static), or NULL
 *
 * Ignores all bytes that the client sends after the handshake. Returns 0; -ETIMEDOUT at a deadline;
 * -EPROTO when the handshake fails; -EIO when OpenSSL fails; -errno.
 */
int validation_serve(const Validation *v, SSL_CTX *context, const char **ret_why);
