/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The certificate that answers a tls-alpn-01 challenge (RFC 8737 §3). */

#include "net/address.h"
#include "statedir/challenges/tls-challenge.h"
#include "x509/dns-name.h"

typedef struct AlpnIdentifier {
    char server_name[DNS_NAME_MAX + 1]; /* SNI that the CA sends: the name, or the reverse DNS name
                                           of the address (RFC 8738 §6) */
    uint8_t octets[16];
    size_t size; /* of the address, bytes; 0: the identifier is a name */
} AlpnIdentifier;

/* Parses "www.example.org", "192.0.2.1" or "2001:db8::1". 0; -EINVAL: it is neither a name nor an
 * address. */
int alpn_identifier_parse(const char *text, AlpnIdentifier *ret);

/**
 * alpn_certificate_make() - make a P-256 key and a self-signed certificate
 * @key_authorization: RFC 8555 §8.1; its hash goes into the acmeIdentifier extension
 *
 * The only subjectAltName is the identifier. 0; -EIO: OpenSSL failed.
 */
int alpn_certificate_make(const AlpnIdentifier *identifier, const char *key_authorization,
                          TlsChallenge *ret);
