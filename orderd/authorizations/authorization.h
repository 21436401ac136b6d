/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One authorization of an order: its challenge is answered, and its end is awaited
 * (RFC 8555 §7.5). */

#include "challenges/solver.h"
#include "libacme/account/account.h"
#include "libacme/failure.h"
#include "libacme/transport/polling.h"
#include "log/log-fields.h"
#include "x509/csr.h"

typedef struct Authorization Authorization;

/* Called once: the authorization is valid (@failure NULL), or cannot become valid. */
typedef void (*authorization_cb)(Authorization *authorization, const Failure *failure,
                                 void *userdata);

/* Common to all authorizations of an order. */
typedef struct AuthorizationTask {
    sd_event *event; /* a reference to it, the account and the config is kept */
    Account *account;
    Config *config;
    const AuthBlock *auth; /* of the config; its verifications are tried in turn */
    /* Borrowed until the authorizations are freed, like the members below. NULL: the CA has
     * ended the order, and the authorizations are only asked for the reason (421). */
    const Solvers *solvers;
    ChallengeGroup *group; /* set by authorizations_start(): one for each order */
    const Csr *csr;        /* of the order: an answer is published for its names only */
    const Demand *demand;  /* for the order: borrowed, too */
    LogFields *log;        /* fields of their journal entries */
} AuthorizationTask;

/**
 * authorization_start() - fetch an authorization, and answer its challenge unless it is valid
 * @url: of the authorization, from the order object
 *
 * The authorization must be for a name of the order, else it ends with 503 and nothing is
 * published. The answer is published before the CA is told to validate. It is withdrawn when the
 * authorization ends for any reason, which includes authorization_free(). There is no deadline: the
 * order has one. Returns 0 or -errno.
 */
int authorization_start(const AuthorizationTask *task, const char *url, authorization_cb callback,
                        void *userdata, Authorization **ret);
Authorization *authorization_free(Authorization *authorization); /* always returns NULL */

/* Asks the CA sooner than it demanded. For a new client of the order. */
void authorization_hurry(Authorization *authorization);

/* What the answer still waits for before the CA is told to validate: a clause, to be freed by the
 * caller; NULL: nothing, or it is not known. */
char *authorization_waits_for(Authorization *authorization);

/* The identifier, without "*.": as in the CSR, else as the CA wrote it; "?" before the CA sent it.
 */
const char *authorization_name(const Authorization *authorization);
