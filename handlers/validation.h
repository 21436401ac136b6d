/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The handshake that a CA validates a name by (RFC 8737 §3). */

#include <openssl/ssl.h>

#include "clock.h"
#include "tls-challenge.h"

/* What all connections have in common, made before the first of them. NULL: OpenSSL cannot. */
SSL_CTX *validation_context_new(void);

/**
 * validation_serve() - shake hands by the certificate of a challenge
 * @received, @size: what was read of the client already, from its first byte on
 *
 * No byte of what the client may send then is looked at. 0; -ETIMEDOUT at the deadline; -EPROTO
 * where the client does not agree; -EIO where OpenSSL cannot. *ret_why is what OpenSSL says of it,
 * NULL: nothing.
 */
int validation_serve(int fd, SSL_CTX *context, const TlsChallenge *challenge, const void *received,
                     size_t size, usec_t deadline, const char **ret_why);
