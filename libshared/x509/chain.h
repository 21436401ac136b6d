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
 * chain_parse() - read a chain
 * @ret_reason: on -EBADMSG what is wrong, a static clause ("contains a block that is not a
 * certificate")
 *
 * 1 to CHAIN_CERTIFICATES_MAX CERTIFICATE blocks and no other block. Returns 0, -EBADMSG, -ENOMEM.
 */
int chain_parse(const char *pem, size_t size, Chain **ret, const char **ret_reason);
Chain *chain_free(Chain *chain); /* always returns NULL */

X509 *chain_leaf(const Chain *chain); /* borrowed */

/* Whether the leaf has the CSR's key and exactly its names and addresses. 0, or -EBADMSG with a
 * reason. */
int chain_check(const Chain *chain, const Csr *csr, const char **ret_reason);

/* PEM of all, leaf first, separated by one blank line, one final newline; free(). 0 or -ENOMEM. */
int chain_format(const Chain *chain, char **ret, size_t *ret_size);

/* End of the leaf's life, seconds since 1970; its serial as lower-case hex without sign, free(). */
time_t chain_not_after(const Chain *chain);
char *chain_serial(const Chain *chain);

/* The leaf's DNS names and addresses, names in lower case, as they stand; strv_free(); NULL when
 * there are none, or no memory. */
char **chain_names(const Chain *chain);

/* Whether the leaf lives now. */
bool chain_is_alive(const Chain *chain, time_t now);

#define CHAIN_FINGERPRINT_SIZE 65 /* 64 hex digits and NUL */

/* SHA-256 of the leaf, in hex. 0; -EIO where libcrypto cannot hash. */
int chain_fingerprint(const Chain *chain, char ret[CHAIN_FINGERPRINT_SIZE]);

/* The name that the leaf has for its CA where its renewal is asked for (RFC 9773 §4.1). New string;
 * NULL: it has none, as the leaf does not name its issuer's key, or no memory. */
char *chain_renewal_id(const Chain *chain);

/* Whether the topmost certificate was issued by a subject with this common name, letter for letter:
 * what the CAs' alternate chains (RFC 8555 §7.4.2) differ in. */
bool chain_leads_to(const Chain *chain, const char *common_name);

/* When the leaf is due for renewal, seconds since 1970: @renew_within days before its end, or, for
 * a lifetime so short that this would always be so, when less than a third of it is left. */
time_t chain_renewal(const Chain *chain, unsigned renew_within);
bool chain_is_outdated(const Chain *chain, time_t now, unsigned renew_within); /* past that */

DEFINE_CLEANUP_FUNC(Chain *, chain_free)
