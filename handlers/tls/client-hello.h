/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Reads the first message of a TLS client (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2): the server name and
 * the protocols. It needs no TLS library and runs before any other work for the client. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "x509/dns-name.h"

#define CLIENT_HELLO_SIZE_MAX ((size_t)16 * 1024) /* including the record headers */

typedef struct ClientHello {
    char server_name[DNS_NAME_MAX + 1]; /* folded; "" for none, or for no host name */
    bool is_validation;                 /* its only protocol is acme-tls/1 (RFC 8737 §3) */
} ClientHello;

typedef enum ClientHelloResult { CLIENT_HELLO_UNFINISHED, CLIENT_HELLO_WHOLE } ClientHelloResult;

/* Returns the same as client_hello_parse() as far as the sizes in the bytes tell. Does not look
 * into the message. */
int client_hello_measure(const uint8_t *data, size_t size);

/**
 * client_hello_parse() - parse the bytes that a client has sent so far
 * @ret: set with CLIENT_HELLO_WHOLE
 *
 * Joins a message that is split over several records. Returns a ClientHelloResult; -EBADMSG when
 * the bytes are not a ClientHello or the beginning of one; -EFBIG above CLIENT_HELLO_SIZE_MAX.
 */
int client_hello_parse(const uint8_t *data, size_t size, ClientHello *ret);
