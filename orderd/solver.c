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

/* The first name or address that none can be for; NULL: all have one. */
static const char *find_lacking(const AuthBlock *auth, const Csr *csr)
{
    bool wildcards = any_serves(auth, has_for_wildcards);

    if (csr->addresses && *csr->addresses && !any_serves(auth, has_for_addresses))
        return *csr->addresses;
    STRV_FOREACH (name, csr->names)
        if (**name == '*' && !wildcards)
            return *name;
    return NULL;
}

bool solver_serves(const AuthBlock *auth, const Csr *csr, Failure *ret)
{
    const char *name = find_lacking(auth, csr);

    if (!name)
        return true;
    failure_set(ret, LOG_EVENT_ORDER_FAILED_HERE, 421, 0,
                "%s: the server's verification of this request cannot be for it: its administrator "
                "adds one of type %s to [auth \"%s\"].",
                name, *name == '*' ? "dns01-dnsUpdate, for wildcards," : "http01", auth->name);
    return false;
}
