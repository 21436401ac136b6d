/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "authorizations/verification-choice.h"

#include <stdio.h>

#include "authorizations/authorization-object.h"
#include "challenges/solvers.h"
#include "log/log.h"

void verification_choice_done(VerificationChoice *choice)
{
    failure_done(&choice->unpublished);
    free(choice->said);
}

const Verification *verification_choice_current(const VerificationChoice *choice)
{
    return choice->auth->verifications[choice->n_passed];
}

static void choice_note(VerificationChoice *choice, const char *why)
{
    char *longer;

    if (choice->auth->n_verifications == 1 ||
        asprintf(&longer, "%s%s[verification \"%s\"]: %s", str_or(choice->said, ""),
                 choice->said ? "; " : "", verification_choice_current(choice)->name, why) < 0)
        return;
    free(choice->said);
    choice->said = longer;
}

/* A CA may offer what its rules forbid: http-01 for a wildcard, dns-01 for an address. */
static bool is_suitable(const VerificationChoice *choice, const Solver *solver)
{
    return (!choice->is_wildcard || solver->serves_wildcards) &&
           (!choice->is_address || solver->serves_addresses);
}

bool verification_choice_find(VerificationChoice *choice, const json_t *challenges)
{
    for (; !choice->solver && choice->n_passed < choice->auth->n_verifications;
         choice->n_passed++) {
        const Solver *solver = solver_find(verification_choice_current(choice));

        if (is_suitable(choice, solver) && challenge_object_find(challenges, solver->type)) {
            choice->solver = solver;
            break;
        }
        choice_note(choice, solver->not_offered);
    }
    return choice->solver;
}

const json_t *verification_choice_challenge(const VerificationChoice *choice,
                                            const json_t *challenges)
{
    return challenge_object_find(challenges, choice->solver->type);
}

/* The reason without the name in front of it. */
static const char *bare_reason(const char *name, const Failure *failure)
{
    const char *reason = str_or(failure->reason, "out of memory");
    size_t length = strlen(name);

    return strncmp(reason, name, length) == 0 && strncmp(reason + length, ": ", 2) == 0
               ? reason + length + 2
               : reason;
}

void verification_choice_note(VerificationChoice *choice, const char *name, const Failure *failure)
{
    choice_note(choice, bare_reason(name, failure));
}

bool verification_choice_has_next(const VerificationChoice *choice)
{
    return choice->n_passed + 1 < choice->auth->n_verifications;
}

/* If a later verification succeeds, the order's own journal entry does not mention this one. */
static void log_passed_over(const VerificationChoice *choice, const char *name, const char *why)
{
    _cleanup_log_fields_ LogFields fields = { 0 };

    log_fields_add(&fields, LOG_FIELD_REASON, why);
    log_event(LOG_EVENT_VERIFICATION_PASSED_OVER, &fields,
              "%s cannot be verified by [verification \"%s\"], [verification \"%s\"] is tried "
              "next: %s",
              name, verification_choice_current(choice)->name,
              choice->auth->verifications[choice->n_passed + 1]->name, why);
}

void verification_choice_next(VerificationChoice *choice, const char *name, const Failure *failure)
{
    log_passed_over(choice, name, bare_reason(name, failure));
    choice->n_passed++;
    choice->solver = NULL;
    failure_copy(&choice->unpublished, failure);
}

void verification_choice_sum_up(const VerificationChoice *choice, const char *name,
                                Failure *failure)
{
    if (choice->said)
        failure_reword(failure, "%s: %s", name, choice->said);
}

void verification_choice_set_failure(VerificationChoice *choice, const char *name, Failure *ret)
{
    const AuthBlock *auth = choice->auth;
    Failure failure = choice->unpublished;

    choice->unpublished = (Failure){ 0 };
    if (!failure.status)
        failure_set(&failure, LOG_EVENT_ORDER_FAILED_AT_CA, 421, 0, "%s: %s", name,
                    solver_find(auth->verifications[auth->n_verifications - 1])->not_offered);
    verification_choice_sum_up(choice, name, &failure);
    *ret = failure;
}
