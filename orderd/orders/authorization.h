/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One authorization of an order: its challenge answered, its end awaited (RFC 8555 §7.5). */

#include "challenges/solver.h"
#include "libacme/account.h"
#include "libacme/failure.h"
#include "log/log-fields.h"

typedef struct Authorization Authorization;

/* Called once, when the authorization is valid (@failure NULL) or will not be. */
typedef void (*authorization_cb)(Authorization *authorization, const Failure *failure,
                                 void *userdata);

/* What the authorizations of an order have in common. */
typedef struct AuthorizationTask {
    Account *account;
    Config *config;        /* a reference is taken, as of the account */
    const AuthBlock *auth; /* of the config: whose verifications are tried in turn */
    /* Borrowed for their life, like the next; NULL: the CA has ended the order, and they are only
     * asked whether this is why (421). */
    const Solvers *solvers;
    ChallengeGroup *group; /* set by authorizations_start(), which has one for each order */
    LogFields *log;        /* what their entries carry */
} AuthorizationTask;

/**
 * authorization_start() - fetch it and see it through
 * @url: of the authorization, as the order gave it
 *
 * A valid one is done at once. The answer is published before the CA is told, and withdrawn when
 * the authorization ends in any way, authorization_free() among them. Has no deadline of its own:
 * its order has.
 */
int authorization_start(sd_event *event, const AuthorizationTask *task, const char *url,
                        authorization_cb callback, void *userdata, Authorization **ret);
Authorization *authorization_free(Authorization *authorization); /* always returns NULL */

/* What its answer still waits for before the CA is told, where that is known, as a clause that the
 * caller frees; else NULL. */
char *authorization_waits_for(Authorization *authorization);

/* The name as the CA wrote it, "*." not among it; "?" before it said. */
const char *authorization_name(const Authorization *authorization);
