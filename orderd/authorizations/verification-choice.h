/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Which of an auth block's verifications is used for a name: the first one whose challenge type the
 * CA offers, and the next one if its challenge cannot be answered. */

#include "challenges/solver.h"
#include "libacme/failure.h"

typedef struct VerificationChoice {
    const AuthBlock *auth;        /* borrowed */
    bool is_wildcard, is_address; /* what the authorization is for; neither: a name */
    size_t n_passed;      /* verifications that cannot serve; the next one is the current one */
    const Solver *solver; /* of the current one; NULL: not chosen yet */
    char *said;           /* why each of them cannot serve; NULL: none yet, or only one exists */
    Failure unpublished;  /* of the last one whose answer was not published; .status 0: none */
} VerificationChoice;

void verification_choice_done(VerificationChoice *choice);

/* Borrowed from the auth block. */
const Verification *verification_choice_current(const VerificationChoice *choice);

/* Chooses the first verification that suits the authorization and whose challenge type is in
 * @challenges, its list (RFC 8555 §7.1.4), unless one is chosen already. False: there is none. */
bool verification_choice_find(VerificationChoice *choice, const json_t *challenges);

/* The challenge of the chosen one in this list; NULL: it is missing. Borrowed. */
const json_t *verification_choice_challenge(const VerificationChoice *choice,
                                            const json_t *challenges);

/* Remembers why the current verification cannot serve. @name: the reason may begin with it. */
void verification_choice_note(VerificationChoice *choice, const char *name, const Failure *failure);

bool verification_choice_has_next(const VerificationChoice *choice);

/* Passes over the current verification, which has a next one, and logs it. */
void verification_choice_next(VerificationChoice *choice, const char *name, const Failure *failure);

/* Adds to @failure, of the last verification, what is known about the others. */
void verification_choice_sum_up(const VerificationChoice *choice, const char *name,
                                Failure *failure);

/* Sets why no verification can serve, after verification_choice_find() found none. */
void verification_choice_set_failure(VerificationChoice *choice, const char *name, Failure *ret);
