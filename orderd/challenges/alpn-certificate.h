/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The certificate that tls-alpn-01 is answered with (RFC 8737 §3). */

#include "base/address.h"
#include "statedir/tls-challenge.h"
#include "x509/dns-name.h"

typedef struct AlpnIdentifier {
    char server_name[DNS_NAME_MAX + 1]; /* what the CA asks for: the name itself, or the address's
                                           in DNS (RFC 8738 §6) */
    uint8_t octets[16];
    size_t size; /* of the address, bytes; 0: it is a name */
} AlpnIdentifier;

/* "www.example.org", "192.0.2.1", "2001:db8::1". 0; -EINVAL for what is neither. */
int alpn_identifier_parse(const char *text, AlpnIdentifier *ret);

/**
 * alpn_certificate_make() - a new P-256 key, and a certificate signed with it
 * @key_authorization: RFC 8555 §8.1; its hash is what the certificate proves
 *
 * The only subjectAltName is the identifier. 0; -EIO where OpenSSL cannot.
 */
int alpn_certificate_make(const AlpnIdentifier *identifier, const char *key_authorization,
                          TlsChallenge *ret);
