/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* All solvers, one for each type of verification block, and which of them suits a name. */

#include "challenges/solver.h"
#include "x509/csr.h"

/* One of the group is undecided from now on; or not any more, as its answer is being published, or
 * it needs none. Nobody is told anything from within the call. */
void challenge_group_enter(ChallengeGroup *group);
void challenge_group_leave(ChallengeGroup *group, const Solvers *solvers);

const Solver *solver_find(const Verification *verification);

/* Why this verification cannot be for the name, whatever the CA offers, in words; NULL: it can.
 * "*." may stand in front of it. */
const char *solver_objects(const Verification *verification, const char *name);

/* Whether each name and address of the CSR has one of the block's verifications that can be for it;
 * @ret is set else. */
bool solver_serves(const AuthBlock *auth, const Csr *csr, Failure *ret);
