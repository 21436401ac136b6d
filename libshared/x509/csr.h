/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Certificate signing requests (RFC 2986) as clients send them. */

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

#define CSR_NAMES_MAX 100

typedef struct Csr {
    X509_REQ *req;
    char **names;     /* CN and DNS SANs, lower case, no duplicates, as they stand, CN first */
    char **addresses; /* IP SANs as address_from_octets() writes them, no duplicates */
    char *other_san; /* "e-mail address", "URI", …: a SAN type that no policy allows; NULL: none */
} Csr;

/**
 * csr_parse() - read and check a request body
 * @body, @size: as the client sent it
 * @ret_reason: on -EBADMSG one sentence for the client, static: what is wrong and what to do
 *
 * Exactly one PEM block, CERTIFICATE REQUEST or NEW CERTIFICATE REQUEST; DER without anything
 * behind it, at most 64 KiB; the signature verifies; key RSA from 2048 bit, P-256, P-384, P-521 or
 * Ed25519; 1 to CSR_NAMES_MAX names, each a valid host name, wildcard or address.
 *
 * Returns 0, -EBADMSG, -ENOMEM.
 */
int csr_parse(const char *body, size_t size, Csr **ret, const char **ret_reason);
Csr *csr_free(Csr *csr); /* always returns NULL */

/* Names, then addresses: all that the certificate is to have. strv_free(); NULL when out of memory,
 * or when there are none. */
char **csr_identifiers(const Csr *csr);

/* DER of the request (for finalize, RFC 8555 §7.4). free(); 0 or -ENOMEM. */
int csr_to_der(const Csr *csr, unsigned char **ret, size_t *ret_size);

/* Whether the request's key is this one (RFC 8555 §11.1: the account key must not be). */
bool csr_has_key(const Csr *csr, EVP_PKEY *key);

DEFINE_CLEANUP_FUNC(Csr *, csr_free)
