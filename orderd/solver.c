/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "solver.h"

#include "dns01.h"
#include "http01.h"
#include "strv.h"
#include "tlsalpn01.h"

static const Solver *const solvers[] = {
    [VERIFICATION_HTTP01] = &http01_solver,
    [VERIFICATION_DNS01_DNSUPDATE] = &dns01_solver,
    [VERIFICATION_TLSALPN01] = &tlsalpn01_solver,
};

const Solver *solver_find(const Verification *verification)
{
    return solvers[verification->type];
}

/* Names that are no wildcard are served by all. */
static bool has_for_wildcards(const Solver *solver)
{
    return solver->serves_wildcards;
}

static bool has_for_addresses(const Solver *solver)
{
    return solver->serves_addresses;
}

static bool any_serves(const AuthBlock *auth, bool (*serves)(const Solver *solver))
{
    for (size_t i = 0; i < auth->n_verifications; i++)
        if (serves(solver_find(auth->verifications[i])))
            return true;
    return false;
}

const char *solver_lacks(const AuthBlock *auth, const Csr *csr)
{
    bool wildcards = any_serves(auth, has_for_wildcards);

    if (csr->addresses && *csr->addresses && !any_serves(auth, has_for_addresses))
        return *csr->addresses;
    STRV_FOREACH (name, csr->names)
        if (**name == '*' && !wildcards)
            return *name;
    return NULL;
}
