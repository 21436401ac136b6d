/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One TLS connection. A validation gets the certificate of its challenge (RFC 8737). Every other
 * connection is forwarded to the server behind or refused. */

#include <openssl/ssl.h>

#include "tls/passthrough.h"

typedef struct TlsServer {
    const char *challenges; /* the directory of the challenge files */
    Passthrough passthrough;
    SSL_CTX *context;
} TlsServer;

/* As TurnRules.has_arrived: whether the first message of the client has arrived, or something else.
 * Only its size is read. */
bool tls_connection_has_arrived(int fd);

/* Serves one connection until it ends. SIGTERM must be blocked. Sets SIGPIPE to be ignored. */
void tls_connection_serve(int fd, const TlsServer *server);
