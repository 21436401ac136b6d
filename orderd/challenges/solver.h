/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The interface that http01, dns01 and tlsalpn01 implement: a way to answer a challenge. */

#include "config/config.h"
#include "libacme/failure.h"

typedef struct Dns01 Dns01;
typedef struct TlsAlpn01 TlsAlpn01;

/* The objects that solvers use. Borrowed by all of them. */
typedef struct Solvers {
    int http01_fd; /* directory of the http-01 challenge files */
    Dns01 *dns01;
    TlsAlpn01 *tlsalpn01;
} Solvers;

/* The authorizations of one order. While one of them is undecided, the CA is told about none of the
 * order's answers in DNS, because another record may follow at the same name. */
typedef struct ChallengeGroup {
    size_t n_undecided; /* authorizations that may still need an answer */
} ChallengeGroup;

/* All borrowed for the call. A solver that needs the config longer takes a reference. */
typedef struct Challenge {
    Config *config;
    const Verification *verification; /* of the config */
    const char *name;                 /* of the authorization, without "*." */
    const char *token;
    const char *key_authorization; /* RFC 8555 §8.1 */
    const char *account_url;       /* RFC 8555 §7.3 */
    const ChallengeGroup *group;   /* borrowed until the answer is withdrawn */
} Challenge;

/* @failure NULL: the answer is in place, and the CA may be told. Else: this solver cannot answer.
 * Called once, from the event loop, unless the answer was withdrawn. */
typedef void (*solver_cb)(const Failure *failure, void *userdata);

typedef struct Solver {
    const char *type;        /* of the challenge, as the CA calls it: "http-01" */
    const char *not_offered; /* the reason for the client if the CA does not offer it */
    bool serves_wildcards, serves_addresses;

    /**
     * publish() - put the answer in place
     * @ret: for withdraw(); also set on failure if something may be left to remove
     *
     * 1: the answer is in place, and the callback does not come; 0: the callback comes; -errno: the
     * error is logged.
     */
    int (*publish)(const Solvers *solvers, const Challenge *challenge, solver_cb callback,
                   void *userdata, void **ret);

    /* Returns the reason of the wait before the callback, as a clause: "its TXT record is not yet
     * visible …". The caller releases it with free(). NULL: unknown. The function itself may be
     * NULL. */
    char *(*waits_for)(void *publication);

    /* Returns what on this machine may be why the CA's validation failed, as a clause for the
     * client; free(). NULL: nothing that is known. The function itself may be NULL. */
    char *(*suspects)(const Verification *verification);

    /* Removes the answer, in any state, in the background if that takes time. Frees the publication
     * for the caller. */
    void (*withdraw)(void *publication);
} Solver;
