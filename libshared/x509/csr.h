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
    char **names;     /* CN and DNS SANs in their order, lower case, no duplicates, CN first */
    char **addresses; /* IP SANs as formatted by address_from_octets(), no duplicates */
    char *other_san; /* "e-mail address", "URI", …: a SAN type that no policy permits; NULL: none */
} Csr;

/**
 * csr_parse() - parse and check a request body
 * @body, @size: the body as received
 * @ret_reason: on -EBADMSG: the answer to the client: what is wrong and what to do. Valid until the
 * next call
 *
 * Requires exactly one PEM block, CERTIFICATE REQUEST or NEW CERTIFICATE REQUEST, in one of the
 * forms of csr-form.h; at most 64 KiB of DER and nothing after it; a key of RSA that
 * rsa_key_is_accepted(), P-256, P-384, P-521 or Ed25519, checked before anything is computed with
 * it; a valid signature; 1 to CSR_NAMES_MAX names, each a valid host name, wildcard or address.
 *
 * Returns 0, -EBADMSG, -ENOMEM.
 */
int csr_parse(const char *body, size_t size, Csr **ret, const char **ret_reason);
Csr *csr_free(Csr *csr); /* always returns NULL */

/* All identifiers for the certificate: names, then addresses. strv_free(); NULL if there are none,
 * or out of memory. */
char **csr_identifiers(const Csr *csr);

/* Encodes the request as DER (for finalize, RFC 8555 §7.4); free(). Returns 0 or -ENOMEM. */
int csr_to_der(const Csr *csr, unsigned char **ret, size_t *ret_size);

EVP_PKEY *csr_key(const Csr *csr); /* borrowed */

/* Whether the request has this key (RFC 8555 §11.1: it must not be the account key). */
bool csr_has_key(const Csr *csr, EVP_PKEY *key);

DEFINE_CLEANUP_FUNC(Csr *, csr_free)
