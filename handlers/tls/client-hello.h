/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The first message of a TLS client (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2): which server it wants and
 * which protocol. Read without a TLS library, before anything is done for the client. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "x509/dns-name.h"

#define CLIENT_HELLO_SIZE_MAX ((size_t)16 * 1024) /* with the records around it */

typedef struct ClientHello {
    char server_name[DNS_NAME_MAX + 1]; /* folded; "" for none, or what is no host name */
    bool is_validation; /* its protocols are acme-tls/1 and no other (RFC 8737 §3) */
} ClientHello;

typedef enum ClientHelloResult { CLIENT_HELLO_UNFINISHED, CLIENT_HELLO_WHOLE } ClientHelloResult;

/**
 * client_hello_parse() - look at what a client has sent so far
 *
 * A message that is cut into several records is put together. A ClientHelloResult; -EBADMSG for
 * what is not, or does not begin, such a message; -EFBIG past CLIENT_HELLO_SIZE_MAX.
 */
int client_hello_parse(const uint8_t *data, size_t size, ClientHello *ret);
