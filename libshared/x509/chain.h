/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Certificate chains: leaf first (RFC 8555 §7.4.2, RFC 8555 §9.1). */

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/macro.h"
#include "x509/csr.h"

#define CHAIN_SIZE_MAX         ((size_t)256 * 1024)
#define CHAIN_CERTIFICATES_MAX 10

typedef struct Chain {
    STACK_OF(X509) * certificates; /* at least one */
} Chain;

/**
 * chain_parse() - parse a chain
 * @ret_reason: on -EBADMSG: what is wrong, a static clause ("it contains a block that is not a
 * certificate")
 *
 * Accepts 1 to CHAIN_CERTIFICATES_MAX CERTIFICATE blocks and no other block. Returns 0, -EBADMSG,
 * -ENOMEM.
 */
int chain_parse(const char *pem, size_t size, Chain **ret, const char **ret_reason);
Chain *chain_free(Chain *chain); /* always returns NULL */

X509 *chain_leaf(const Chain *chain); /* borrowed */

/* Checks that the leaf has the key of the CSR, and all its names and addresses. Returns 0, -ENOMEM,
 * or -EBADMSG with a reason as above. */
int chain_check(const Chain *chain, const Csr *csr, const char **ret_reason);

/* The names of the leaf that the CSR does not have: some CAs add "www." to a name. strv_free();
 * NULL: there are none, or out of memory. */
char **chain_extra_names(const Chain *chain, const Csr *csr);

/* Formats all certificates as PEM, leaf first, separated by one blank line, with one final newline;
 * free(). Returns 0 or -ENOMEM. */
int chain_format(const Chain *chain, char **ret, size_t *ret_size);

/* The expiry of the leaf, seconds since 1970; its serial number in lower-case hex without sign,
 * free(). */
time_t chain_not_after(const Chain *chain);
char *chain_serial(const Chain *chain);

/* The DNS names and addresses of the leaf in their order, names in lower case; strv_free(). NULL if
 * there are none, or out of memory. */
char **chain_names(const Chain *chain);

/* Whether the leaf is valid at @now. */
bool chain_is_alive(const Chain *chain, time_t now);

#define CHAIN_FINGERPRINT_SIZE 65 /* 64 hex digits and NUL */

/* SHA-256 of the leaf, in hex. Returns 0; -EIO if libcrypto cannot hash. */
int chain_fingerprint(const Chain *chain, char ret[CHAIN_FINGERPRINT_SIZE]);

/* The identifier of the leaf in queries for renewal information (RFC 9773 §4.1). New string; NULL
 * if the leaf does not name the key of its issuer, or out of memory. */
char *chain_renewal_id(const Chain *chain);

/* Whether the issuer of the last certificate has this common name, byte for byte. Alternate chains
 * of a CA (RFC 8555 §7.4.2) differ in it. */
bool chain_leads_to(const Chain *chain, const char *common_name);

/* When the leaf is due for renewal, seconds since 1970: @renew_within days before it expires. If
 * its lifetime is not longer than that: when a third of it is left. */
time_t chain_renewal(const Chain *chain, unsigned renew_within);
bool chain_is_outdated(const Chain *chain, time_t now,
                       unsigned renew_within); /* whether @now is later */

DEFINE_CLEANUP_FUNC(Chain *, chain_free)
