/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/account/refusal.h"

#include <ctype.h>

#include "libacme/account/external-account.h"
#include "libacme/transport/problem.h"

#define ANY_STEP (REFUSED_NEW_ACCOUNT | REFUSED_NEW_ORDER | REFUSED_FINALIZE)

/* Where a problem type may mean that the account lacks an e-mail address. */
static const struct {
    const char *type;
    unsigned always;  /* RefusedStep: whatever the CA's text says … */
    unsigned if_said; /* … or if the text is about a contact: the type usually means the CSR */
} suspects[] = {
    { "badCSR", REFUSED_NEW_ACCOUNT | REFUSED_NEW_ORDER, REFUSED_FINALIZE },
    { "invalidContact", ANY_STEP, 0 },
    { "malformed", REFUSED_NEW_ACCOUNT, REFUSED_NEW_ORDER | REFUSED_FINALIZE },
    { "unauthorized", REFUSED_NEW_ACCOUNT | REFUSED_NEW_ORDER, REFUSED_FINALIZE },
    { "unsupportedContact", ANY_STEP, 0 },
};

/* "e-mail" and "email", but not "emailAddress", which is a field of a CSR. */
static bool has_mail(const char *said)
{
    const char *at = said;

    while ((at = strcasestr(at, "mail"))) {
        at += STRLEN("mail");
        if (!isalpha((unsigned char)*at))
            return true;
    }
    return false;
}

static bool is_about_contact(const json_t *problem)
{
    const char *said = problem_detail(problem);

    return said && (has_mail(said) || strcasestr(said, "contact"));
}

static bool is_suspect(RefusedStep step, const json_t *problem)
{
    const char *type = problem_type(problem);

    for (size_t i = 0; i < ELEMENTSOF(suspects); i++)
        if (streq(suspects[i].type, type))
            return suspects[i].always & step ||
                   (suspects[i].if_said & step && is_about_contact(problem));
    return false;
}

void refusal_suspect_contact(Failure *failure, RefusedStep step, const json_t *problem,
                             const json_t *contact)
{
    _cleanup_free_ char *sentence = NULL;

    if (json_array_size(contact) > 0 || !is_suspect(step, problem))
        return;
    sentence = failure_advice(
        step == REFUSED_NEW_ACCOUNT
            ? "set contact in [account] if the CA requires an e-mail address"
            : "run 'acme-register --update-contact --email=ADDRESS CONFIG' if the CA requires an "
              "e-mail address in the account");
    if (sentence)
        failure_amend(failure, sentence);
}

/* There are neither names nor a CSR yet, which the usual meaning of these types is about. */
static bool is_of_order(const Failure *failure)
{
    return failure->status == 403 || failure->status == 415 || failure->status == 421;
}

static void reword(Failure *failure, const json_t *problem)
{
    bool is_limit = streq(problem_type(problem), "rateLimited");

    if (!problem || (!is_limit && !is_of_order(failure)))
        return;
    if (!is_limit)
        failure->status = 500;
    failure_reword(failure, is_limit ? "The CA limits the rate of registrations. Try again later."
                                     : "The CA refuses to register the server's ACME account.");
    failure_quote(failure, problem);
}

void refusal_explain_registration(Failure *failure, const json_t *problem,
                                  const ExternalAccount *external, const json_t *contact)
{
    reword(failure, problem);
    external_account_suspect(failure, external);
    refusal_suspect_contact(failure, REFUSED_NEW_ACCOUNT, problem, contact);
}
