/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* All solvers, one for each type of verification block, and which of them suits a name. */

#include "challenges/solver.h"
#include "x509/csr.h"

/* Count an authorization of the group as undecided, or as decided: its answer is being published,
 * or it needs none. Neither function calls a callback. */
void challenge_group_enter(ChallengeGroup *group);
void challenge_group_leave(ChallengeGroup *group, const Solvers *solvers);

/* Returns the solver for the type of the verification. */
const Solver *solver_find(const Verification *verification);

/* Returns why this verification does not suit the name (with or without "*."), whatever the CA
 * offers; NULL: it does. */
const char *solver_objects(const Verification *verification, const char *name);

/* Whether the block has a suitable verification for each name and address of the CSR. If not, @ret
 * is set. */
bool solver_serves(const AuthBlock *auth, const Csr *csr, Failure *ret);
