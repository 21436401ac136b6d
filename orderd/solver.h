/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The ways to answer a challenge of the CA, one for each type of verification block. */

#include "config.h"
#include "csr.h"
#include "failure.h"

typedef struct Dns01 Dns01;
typedef struct TlsAlpn01 TlsAlpn01;

/* What they work with; borrowed by all. */
typedef struct Solvers {
    int http01_fd; /* directory of the http-01 challenge files */
    Dns01 *dns01;
    TlsAlpn01 *tlsalpn01;
} Solvers;

/* All borrowed for the call; a reference to the config is taken where it is needed for longer. */
typedef struct Challenge {
    Config *config;
    const Verification *verification; /* of the config */
    const char *name;                 /* of the authorization, "*." not among it */
    const char *token;
    const char *key_authorization; /* RFC 8555 §8.1 */
    const void *group;             /* the same for all names of an order */
} Challenge;

/* The CA may be told (@failure NULL), or cannot be answered that way. Called once, from the event
 * loop, unless the answer was withdrawn. */
typedef void (*solver_cb)(const Failure *failure, void *userdata);

typedef struct Solver {
    const char *type;        /* of the challenge, as the CA calls it: "http-01" */
    const char *not_offered; /* what a client is told where the CA does not offer it */
    bool serves_wildcards, serves_addresses;

    /**
     * publish() - put the answer where the CA looks for it
     * @ret: what withdraw() takes; set too where something went wrong that may have left something
     *
     * 1: it is there already, and the callback does not come; 0: it comes; -errno: what was wrong
     * is logged.
     */
    int (*publish)(const Solvers *solvers, const Challenge *challenge, solver_cb callback,
                   void *userdata, void **ret);

    /* What it waits for, before the callback came: "ns2.example.org (192.0.2.54): timeout";
     * borrowed. NULL: it cannot tell. The function itself may be NULL. */
    const char *(*waits_for)(void *publication);

    /* Takes it away again, whatever has become of it, in the background where that takes time; the
     * publication is gone for the caller. */
    void (*withdraw)(void *publication);
} Solver;

const Solver *solver_find(const Verification *verification);

/* Whether each name and address of the CSR has one of the block's verifications that can be for it;
 * @ret is set else. */
bool solver_serves(const AuthBlock *auth, const Csr *csr, Failure *ret);
