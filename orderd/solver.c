/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "solver.h"

#include "dns01.h"
#include "http01.h"

static const Solver *const solvers[] = {
    [VERIFICATION_HTTP01] = &http01_solver,
    [VERIFICATION_DNS01_DNSUPDATE] = &dns01_solver,
};

const Solver *solver_find(const Verification *verification)
{
    return solvers[verification->type];
}
