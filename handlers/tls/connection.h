/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A TLS connection: a validation is answered by the certificate of its challenge (RFC 8737), all
 * others are passed on or refused. */

#include <openssl/ssl.h>

#include "tls/passthrough.h"

typedef struct TlsServer {
    const char *challenges; /* the directory of the challenge files */
    Passthrough passthrough;
    SSL_CTX *context;
} TlsServer;

/* Serves one connection until it ends. SIGTERM must be blocked; SIGPIPE is ignored from here on. */
void tls_connection_serve(int fd, const TlsServer *server);
