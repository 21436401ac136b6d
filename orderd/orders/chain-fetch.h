/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The certificate of an order, fetched and checked: which of the chains that a CA offers for it is
 * used (RFC 8555 §7.4.2). */

#include "libacme/failure.h"
#include "log/log-fields.h"
#include "x509/chain.h"

typedef struct ChainFetch ChainFetch;

/* All borrowed until the end of the fetch. */
typedef struct ChainWish {
    const Csr *csr;          /* that it is for */
    const char *names;       /* of it, for the journal */
    const char *common_name; /* of the topmost issuer: chain_leads_to(); NULL: the CA's default */
    LogFields *log;          /* what its entries carry */
} ChainWish;

/* Called once, with one of both: a chain, borrowed, or why there is none, taken over. */
typedef void (*chain_fetch_cb)(const Chain *chain, Failure *failure, void *userdata);

/**
 * chain_fetch_start() - fetch the CA's default chain, and alternates until one is as wished
 * @url: of the certificate
 *
 * Where none is as wished the default serves; an alternate that cannot be had is passed over. A
 * chain that is not the CSR's is no chain. *ret is invalid from the callback on: clear it there. 0
 * or -errno.
 */
int chain_fetch_start(Session *session, const ChainWish *wish, const char *url,
                      chain_fetch_cb callback, void *userdata, ChainFetch **ret);
ChainFetch *chain_fetch_cancel(ChainFetch *fetch); /* NULL is fine; always returns NULL */
