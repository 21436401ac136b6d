/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Which client may get which names: applies the auth blocks to a request. */

#include <time.h>

#include "config/config.h"
#include "net/address.h"
#include "policy/authentication.h"
#include "x509/csr.h"

typedef struct PolicyRequest {
    const SocketAddress *peer;
    const Authentication *authentication; /* NULL: no usable header … */
    int authentication_error; /* … -EINVAL: a malformed one; -EOPNOTSUPP: one with an unknown
                                 digest; 0: none */
    const void *body;
    size_t body_size;
    const Csr *csr;
    time_t now; /* when the request came */
} PolicyRequest;

/* Whether any block requires an HMAC. */
bool policy_uses_hmac(const Config *config);

/* Whether any block could match this peer and header with any body, the digest aside: checked
 * before the body is read. Uses only peer, authentication and now. @ret_why: when false, as below.
 */
bool policy_is_possible(const Config *config, const PolicyRequest *request, char **ret_why);

/* Whether the address and the HMAC of the body match any block: checked before the body is decoded.
 * Uses all but the CSR. @ret_why: when false, as below. */
bool policy_knows_client(const Config *config, const PolicyRequest *request, char **ret_why);

/* The first block whose HMAC the request has, whatever its names are: the client knows its key.
 * NULL: none. */
const AuthBlock *policy_find_hmac(const Config *config, const PolicyRequest *request);

/**
 * policy_decide() - find the first block in file order whose methods all match, and whose globs and
 * ip-san prefixes cover every name
 * @ret_why: when refused, for the journal: why each block refused ('auth "mail": no domain
 * covers www.example.org; auth "ext": 192.0.2.9 is not in ip'), at most 16 blocks; free(); NULL
 * when out of memory
 *
 * Returns the block; NULL if the request is refused. Always refuses a CSR with a SAN that is
 * neither a DNS name nor an IP address.
 */
const AuthBlock *policy_decide(const Config *config, const PolicyRequest *request, char **ret_why);

/* Says how far the clocks differ if that is why a block, which permits the address and the digest,
 * refuses the request: a sentence for the client; free(). NULL: it is not, or out of memory. */
char *policy_explain_time(const Config *config, const PolicyRequest *request);

/* Says which digest a block requires if the request, which its address permits, has an HMAC with
 * its key by another digest: a sentence for the client, which has the key; free(). NULL: it has
 * not, the body is not there yet, or out of memory. */
char *policy_explain_digest(const Config *config, const PolicyRequest *request);

/* Whether the globs and prefixes of the block cover every name and address of the CSR, and the CSR
 * has no other SAN type. */
bool policy_covers(const AuthBlock *block, const Csr *csr);
