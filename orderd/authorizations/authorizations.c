/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "authorizations/authorizations.h"

#include <stdio.h>

#include "limits/holds.h"
#include "log/log.h"
#include "x509/csr.h"

/* Where a name failed. */
typedef enum Blame {
    BLAME_CA,
    BLAME_DNS, /* the CA was never told to validate */
    _BLAME_N,
} Blame;

static const char *const headings[_BLAME_N] = {
    [BLAME_CA] = "The CA could not validate: ",
    [BLAME_DNS] = "The server could not publish in DNS: ",
};

struct Authorizations {
    AuthorizationsCall call;
    LogFields *log;
    bool is_inquiry; /* only asks why the CA has ended the order */
    ChallengeGroup group;
    Authorization **list;
    size_t n, n_pending;
    Failure invalid;      /* the first one, while the others are awaited */
    char *said[_BLAME_N]; /* the reasons, name by name; NULL: none */
};

Authorizations *authorizations_free(Authorizations *all)
{
    if (!all)
        return NULL;
    for (size_t i = 0; i < all->n; i++)
        authorization_free(all->list[i]);
    free(all->list);
    failure_done(&all->invalid);
    for (size_t i = 0; i < _BLAME_N; i++)
        free(all->said[i]);
    free(all);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Authorizations *, authorizations_free)

void authorizations_hurry(Authorizations *all)
{
    for (size_t i = 0; all && i < all->n; i++)
        authorization_hurry(all->list[i]);
}

bool authorizations_are_pending(const Authorizations *all)
{
    return all && all->n_pending > 0;
}

bool authorizations_have_failed(const Authorizations *all)
{
    return all && all->invalid.status;
}

bool authorizations_set_waiting(const Authorizations *all, Failure *ret)
{
    for (size_t i = 0; all && i < all->n; i++) {
        _cleanup_free_ char *clause = authorization_waits_for(all->list[i]);

        if (!clause)
            continue;
        failure_set(ret, LOG_EVENT_CHALLENGE_NOT_PUBLISHED, 503, 60,
                    "%s: %s. Post the same CSR again later.", authorization_name(all->list[i]),
                    clause);
        return true;
    }
    return false;
}

/* Adds a reason under its heading, after those of other names. */
static void say(Authorizations *all, const Failure *failure)
{
    Blame blame = failure->event == LOG_EVENT_CHALLENGE_NOT_PUBLISHED ? BLAME_DNS : BLAME_CA;
    char **said = &all->said[blame], *longer;

    if (asprintf(&longer, "%s%s%s", str_or(*said, headings[blame]), *said ? "; " : "",
                 str_or(failure->reason, "?")) < 0)
        return;
    free(*said);
    *said = longer;
}

/* Event and problem type are those of the first failure. */
static void note_invalid(Authorizations *all, const Failure *failure)
{
    Failure *first = &all->invalid;

    say(all, failure);
    if (!first->status)
        failure_set(first, failure->event, 421, 0, "%s", "");
    if (!first->problem)
        failure_set_type(first, failure->problem);
}

static void join_reasons(const Authorizations *all, Failure *failure)
{
    const char *of_ca = str_or(all->said[BLAME_CA], ""), *of_dns = str_or(all->said[BLAME_DNS], "");

    failure_reword(failure, "%s%s%s", of_ca, *of_ca && *of_dns ? "; " : "", of_dns);
}

static void on_authorization(Authorization *authorization, const Failure *failure, void *userdata)
{
    const char *name = authorization_name(authorization);
    Authorizations *all = userdata;
    Failure taken = { 0 };

    LOG_CONTEXT(all->log);
    if (failure && failure->status == 421) {
        holds_note_invalid(&all->call.context, name, failure);
        note_invalid(all, failure);
    } else if (failure && !all->is_inquiry) {
        failure_copy(&taken, failure);
        all->call.callback(&taken, all->call.userdata);
        return;
    } else if (!failure && !all->is_inquiry)
        holds_note_valid(&all->call.context, name);
    if (--all->n_pending > 0)
        return;
    taken = all->invalid;
    all->invalid = (Failure){ 0 };
    if (taken.status)
        join_reasons(all, &taken);
    all->call.callback(taken.status ? &taken : NULL, all->call.userdata);
}

int authorizations_start(const AuthorizationTask *task, const json_t *urls,
                         const AuthorizationsCall *call, Authorizations **ret)
{
    _cleanup_(authorizations_freep) Authorizations *all = calloc(1, sizeof(*all));
    AuthorizationTask each = *task;
    size_t i, n = json_array_size(urls);
    const json_t *url;
    int r;

    if (n == 0 || n > CSR_NAMES_MAX)
        return -EBADMSG;
    if (!all)
        return -ENOMEM;
    all->call = *call;
    all->log = task->log;
    all->is_inquiry = !task->solvers;
    each.group = &all->group;
    all->list = calloc(n, sizeof(Authorization *));
    if (!all->list)
        return -ENOMEM;
    json_array_foreach (urls, i, url) {
        if (!json_is_string(url))
            return -EBADMSG;
        r = authorization_start(&each, json_string_value(url), on_authorization, all,
                                &all->list[i]);
        if (r < 0)
            return r;
        all->n++;
    }
    all->n_pending = n;
    *ret = TAKE_PTR(all);
    return 0;
}
