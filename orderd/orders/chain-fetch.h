/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Fetches and checks the certificate of an order, and chooses one of the chains that the CA offers
 * for it (RFC 8555 §7.4.2). */

#include "libacme/failure.h"
#include "log/log-fields.h"
#include "x509/chain.h"

typedef struct ChainFetch ChainFetch;

/* All borrowed until the fetch ends. */
typedef struct ChainWish {
    const Csr *csr;          /* of the order */
    const char *names;       /* of the CSR, for the journal */
    const char *common_name; /* of the topmost issuer, as for chain_leads_to(); NULL: the default */
    bool refuses_extra_names; /* no names but those of the CSR may be in it */
    LogFields *log;           /* fields of its journal entries */
    /* Why the chain of an earlier fetch could not be used, static: the journal has it. NULL: none.
     * Set to the reason of this one. */
    const char **told;
} ChainWish;

/* Called once, with either a chain (borrowed) or a failure (taken over). The other is NULL. */
typedef void (*chain_fetch_cb)(const Chain *chain, Failure *failure, void *userdata);

typedef struct ChainFetchCall {
    chain_fetch_cb callback;
    void *userdata;
} ChainFetchCall;

/**
 * chain_fetch_start() - fetch the CA's default chain, and alternates until one matches the wish
 * @url: of the certificate
 *
 * If no chain matches the wish, the default one is used. An alternate that cannot be fetched, or
 * that does not match the CSR, is skipped; a default chain that does not match the CSR is a
 * failure. *ret is invalid once the callback is called, so clear it there. Returns 0 or -errno.
 */
int chain_fetch_start(Session *session, const ChainWish *wish, const char *url,
                      const ChainFetchCall *call, ChainFetch **ret);
ChainFetch *chain_fetch_cancel(ChainFetch *fetch); /* NULL is fine; always returns NULL */
