/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Which of the chains that a CA offers for one certificate is used (RFC 8555 §7.4.2). */

#include "chain.h"
#include "session.h"

#define CHAIN_TYPE "application/pem-certificate-chain"

/* Reads an answer with a chain and checks it against its CSR. 0; -EBADMSG for what is no
 * chain, -EKEYREJECTED for one that is another's, both with a clause for the journal, static;
 * -ENOMEM. */
int chain_from_reply(const SessionReply *reply, const Csr *csr, Chain **ret, const char **ret_why);

typedef struct ChainSearch ChainSearch;

typedef struct ChainWish {
    const char *common_name; /* of the topmost issuer: chain_leads_to() */
    const Csr *csr;          /* both borrowed until the end of the search */
} ChainWish;

/* Called once. @chain: borrowed; where none @is_preferred, the one that the search began with. */
typedef void (*chain_search_cb)(const Chain *chain, bool is_preferred, void *userdata);

/**
 * chain_search_start() - fetch alternates until one is as wished
 * @chain: the CA's default, which is not as wished; taken over, whatever comes of it
 * @urls: of the alternates; NULL: none. One that cannot be had is passed over.
 *
 * The callback may come before this returns; *ret is set before that, to cancel it by, and invalid
 * from the callback on: clear it there. 0 or -ENOMEM.
 */
int chain_search_start(Session *session, const ChainWish *wish, Chain *chain, char *const *urls,
                       chain_search_cb callback, void *userdata, ChainSearch **ret);
ChainSearch *chain_search_cancel(ChainSearch *search); /* NULL is fine; always returns NULL */
