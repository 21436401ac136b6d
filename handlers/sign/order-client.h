/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Calls from acmems-sign to orderd over its socket (orderd/io.acmems.Orders.varlink). */

#include <stddef.h>

#include "base/clock.h"
#include "base/macro.h"
#include "statedir/storage/request.h"

typedef struct OrderAnswer {
    int status;           /* HTTP status for the client; 200: .chain is set */
    char *chain;          /* PEM as chain_format() makes it, with 200 */
    char *reason;         /* sentences for the client, with any other status */
    char *problem;        /* the CA's problem type, if that is the reason; else NULL */
    unsigned retry_after; /* s, 0: none */
} OrderAnswer;

/* A request as orderd gets it. All borrowed. */
typedef struct OrderRequest {
    const SignRequest *request; /* orderd gets the name of its auth block: it takes verifications
                                   and storage from there, and checks the globs again */
    const char *request_id, *client; /* for orderd's journal entries */
    int client_fd;                   /* the client's connection; negative: there is none */
} OrderRequest;

/**
 * order_request() - order a certificate and wait for it
 * @socket_path: of orderd
 * @deadline: of the whole call
 * @ret: order_answer_done()
 *
 * If orderd stops while this function waits, it connects and calls again. Returns 0 with an answer
 * of any status; -ETIMEDOUT; -ECANCELED: the client closed its connection; -EACCES: this process
 * may not use the socket; -EBADMSG: orderd violates the protocol; other -errno: orderd cannot be
 * reached.
 */
int order_request(const char *socket_path, const OrderRequest *order, usec_t deadline,
                  OrderAnswer *ret);

/**
 * order_tell_asked() - report that a client got the certificate of this request from the cache
 *
 * For a storage with prefetch, whose certificates are renewed only while clients request them. Does
 * not wait for an answer. Returns 0, -ETIMEDOUT or other -errno.
 */
int order_tell_asked(const char *socket_path, const SignRequest *request, usec_t deadline);

void order_answer_done(OrderAnswer *answer);
