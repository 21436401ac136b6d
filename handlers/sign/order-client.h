/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The sign handler's side of orderd's socket (orderd/io.acmems.Orders.varlink). */

#include <stddef.h>

#include "base/clock.h"
#include "base/macro.h"

typedef struct OrderAnswer {
    int status;           /* HTTP status for the client: 200 with a chain, else why not */
    char *chain;          /* PEM as chain_format() makes it, with 200 */
    char *reason;         /* one sentence for the client, otherwise */
    char *problem;        /* the CA's problem type, where that is why; else NULL */
    unsigned retry_after; /* s, 0: none */
} OrderAnswer;

/* What is asked for. */
typedef struct OrderRequest {
    const char *auth; /* name of the auth block that allowed the request; orderd checks its globs
                         again and takes verification and storage from it */
    const void *body; /* the request body as it came */
    size_t size;
    const char *request_id, *client; /* go into orderd's entries in the journal too */
} OrderRequest;

/**
 * order_request() - have a certificate ordered, and wait for it
 * @socket_path: of orderd
 * @deadline: for everything
 *
 * Connects again and asks again when orderd goes away in mid-wait. Returns 0 with an answer
 * (whatever its status); -ETIMEDOUT; -errno when orderd cannot be reached or does not keep to the
 * protocol (-EBADMSG).
 */
int order_request(const char *socket_path, const OrderRequest *request, usec_t deadline,
                  OrderAnswer *ret);
/**
 * order_tell_asked() - a client got the certificate of @key, a storage_key(), out of the cache
 *
 * For a storage with prefetch, whose certificates are renewed while somebody asks for them. Waits
 * for no answer. 0 or -errno, also -ETIMEDOUT.
 */
int order_tell_asked(const char *socket_path, const char *auth, const char *key, usec_t deadline);

void order_answer_done(OrderAnswer *answer);
