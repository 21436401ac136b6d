/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The identifier of an authorization (RFC 8555 §7.1.4). The CA writes it, but it must be one that
 * was ordered: otherwise the CA could let acmems publish an answer for any name. */

#include <jansson.h>
#include <stdbool.h>

#include "x509/csr.h"

typedef struct Identifier {
    const char *name; /* as in the CSR, without "*."; borrowed from it; NULL: not known yet */
    bool is_wildcard, is_address;
} Identifier;

/**
 * identifier_find() - find the identifier of an authorization in a CSR
 * @authorization: the JSON object of the CA
 *
 * The type must be the same. A wildcard ("wildcard": true) is found only if the wildcard is in the
 * CSR, and a name only if the name itself is. Returns true with *ret; false: it is not there.
 */
bool identifier_find(const json_t *authorization, const Csr *csr, Identifier *ret);

/* The identifier as the CA wrote it, safe to print and shortened: "*.example.org". New string;
 * NULL: the object has none, or out of memory. */
char *identifier_describe(const json_t *authorization);
