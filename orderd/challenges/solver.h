/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A way to answer a challenge of the CA: the interface that http01, dns01 and tlsalpn01 implement.
 */

#include "config/config.h"
#include "libacme/failure.h"

typedef struct Dns01 Dns01;
typedef struct TlsAlpn01 TlsAlpn01;

/* What they work with; borrowed by all. */
typedef struct Solvers {
    int http01_fd; /* directory of the http-01 challenge files */
    Dns01 *dns01;
    TlsAlpn01 *tlsalpn01;
} Solvers;

/* The authorizations of one order. None of its answers in DNS is told to the CA while another may
 * still come to stand beside it. */
typedef struct ChallengeGroup {
    size_t n_undecided; /* that may need an answer which nobody publishes yet */
} ChallengeGroup;

/* All borrowed for the call; a reference to the config is taken where it is needed for longer. */
typedef struct Challenge {
    Config *config;
    const Verification *verification; /* of the config */
    const char *name;                 /* of the authorization, "*." not among it */
    const char *token;
    const char *key_authorization; /* RFC 8555 §8.1 */
    const ChallengeGroup *group;   /* borrowed until the answer is withdrawn */
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

    /* What it waits for, before the callback came, as a clause that the caller frees: "its TXT
     * record is not to be seen …". NULL: it cannot tell. The function itself may be NULL. */
    char *(*waits_for)(void *publication);

    /* Takes it away again, whatever has become of it, in the background where that takes time; the
     * publication is gone for the caller. */
    void (*withdraw)(void *publication);
} Solver;
