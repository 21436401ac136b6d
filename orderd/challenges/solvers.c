/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "challenges/solvers.h"

#include "challenges/dns01.h"
#include "challenges/http01.h"
#include "challenges/tlsalpn01.h"
#include "strings/strv.h"
#include "x509/dns-name.h"

static const Solver *const by_type[] = {
    [VERIFICATION_HTTP01] = &http01_solver,
    [VERIFICATION_DNS01_DNSUPDATE] = &dns01_solver,
    [VERIFICATION_TLSALPN01] = &tlsalpn01_solver,
};

void challenge_group_enter(ChallengeGroup *group)
{
    group->n_undecided++;
}

void challenge_group_leave(ChallengeGroup *group, const Solvers *solvers)
{
    if (--group->n_undecided == 0)
        dns01_release(solvers->dns01);
}

const Solver *solver_find(const Verification *verification)
{
    return verification->account_label ? &dns_account01_solver : by_type[verification->type];
}

static bool is_too_long(const Verification *verification, const char *name)
{
    return verification->type == VERIFICATION_DNS01_DNSUPDATE &&
           dns01_prefix_length(verification) + strlen(dns_name_base(name)) > DNS_NAME_MAX;
}

const char *solver_objects(const Verification *verification, const char *name)
{
    if (!is_too_long(verification, name))
        return NULL;
    return verification->account_label
               ? "it is too long for dns-account-01: with the label of the account and "
                 "_acme-challenge. before it, it exceeds the 253 bytes of a DNS name"
               : "it is too long for dns-01: with the prefix _acme-challenge. it exceeds the 253 "
                 "bytes of a DNS name";
}

static bool serves_address(const AuthBlock *auth)
{
    for (size_t i = 0; i < auth->n_verifications; i++)
        if (solver_find(auth->verifications[i])->serves_addresses)
            return true;
    return false;
}

/* All solvers serve names that are not wildcards. */
static bool serves_name(const AuthBlock *auth, const char *name)
{
    for (size_t i = 0; i < auth->n_verifications; i++) {
        const Verification *verification = auth->verifications[i];

        if ((*name != '*' || solver_find(verification)->serves_wildcards) &&
            !is_too_long(verification, name))
            return true;
    }
    return false;
}

/* The first reason why a verification does not suit the name; NULL: none gives one. */
static const char *find_objection(const AuthBlock *auth, const char *name)
{
    const char *why = NULL;

    for (size_t i = 0; !why && i < auth->n_verifications; i++)
        why = solver_objects(auth->verifications[i], name);
    return why;
}

/* The first name or address that no verification suits; NULL: all have one. */
static const char *find_lacking(const AuthBlock *auth, const Csr *csr)
{
    if (csr->addresses && *csr->addresses && !serves_address(auth))
        return *csr->addresses;
    STRV_FOREACH (name, csr->names)
        if (!serves_name(auth, *name))
            return *name;
    return NULL;
}

bool solver_serves(const AuthBlock *auth, const Csr *csr, Failure *ret)
{
    const char *name = find_lacking(auth, csr), *why = name ? find_objection(auth, name) : NULL;

    if (!name)
        return true;
    if (why)
        failure_set(ret, LOG_EVENT_ORDER_FAILED_HERE, 421, 0, "%s: %s.", name, why);
    else
        failure_set(ret, LOG_EVENT_ORDER_FAILED_HERE, 421, 0,
                    "%s: none of the verifications in the auth block can validate this name. The "
                    "server's administrator must add one of type %s to [auth \"%s\"].",
                    name, *name == '*' ? "dns01-dnsUpdate (for wildcards)" : "http01", auth->name);
    return false;
}
