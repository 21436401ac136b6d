/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The sign handler's side of orderd's socket (orderd/io.acmems.Orders.varlink). */

#include <stddef.h>

#include "base/clock.h"
#include "base/macro.h"
#include "statedir/storage/request.h"

typedef struct OrderAnswer {
    int status;           /* HTTP status for the client: 200 with a chain, else why not */
    char *chain;          /* PEM as chain_format() makes it, with 200 */
    char *reason;         /* one sentence for the client, otherwise */
    char *problem;        /* the CA's problem type, where that is why; else NULL */
    unsigned retry_after; /* s, 0: none */
} OrderAnswer;

/* A request as orderd gets it. All borrowed. */
typedef struct OrderRequest {
    const SignRequest *request; /* orderd gets the name of its auth block: it takes verifications
                                   and storage from there, and checks the globs again */
    const char *request_id, *client; /* for orderd's journal entries */
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
int order_request(const char *socket_path, const OrderRequest *order, usec_t deadline,
                  OrderAnswer *ret);
/**
 * order_tell_asked() - a client got the certificate of this request out of the cache
 *
 * For a storage with prefetch, whose certificates are renewed while somebody asks for them. Waits
 * for no answer. 0 or -errno, also -ETIMEDOUT.
 */
int order_tell_asked(const char *socket_path, const SignRequest *request, usec_t deadline);

void order_answer_done(OrderAnswer *answer);
