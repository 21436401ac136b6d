/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Who may have which names: the auth blocks applied to a request. */

#include "base/address.h"
#include "config/config.h"
#include "policy/authentication.h"
#include "x509/csr.h"

typedef struct PolicyRequest {
    const SocketAddress *peer;
    const Authentication *authentication; /* NULL: no usable header */
    const void *body;
    size_t body_size;
    const Csr *csr;
} PolicyRequest;

/* Whether any block could match this peer and header, whatever the body: asked before the body is
 * read. Uses only peer and authentication. @ret_why as below, when false. */
bool policy_is_possible(const Config *config, const PolicyRequest *request, char **ret_why);

/**
 * policy_decide() - first block in file order whose methods all pass and whose globs and ip-san
 * prefixes cover every name
 * @ret_why: when refused, for the journal: which block failed on what ('auth "mail": no domain
 * covers www.example.org; auth "ext": 192.0.2.9 is not in ip'), at most 16 blocks named; free();
 * NULL when out of memory
 *
 * Returns the block, NULL when refused. A CSR with a SAN that is neither DNS name nor IP address is
 * always refused.
 */
const AuthBlock *policy_decide(const Config *config, const PolicyRequest *request, char **ret_why);

/* Whether the block's globs and prefixes cover every name and address of the CSR, and it has no
 * other SAN type. */
bool policy_covers(const AuthBlock *block, const Csr *csr);
