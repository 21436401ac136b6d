/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "validation.h"

#include "log.h"
#include "restraint.h"

struct Validation {
    Asking asking;
    LogFields *log;
    bool is_inquiry; /* why the CA has ended the order */
    Authorization **authorizations;
    size_t n_authorizations, n_pending;
    Failure invalid; /* what went wrong, name by name, while the others are awaited */
    validation_cb callback;
    void *userdata;
};

Validation *validation_free(Validation *validation)
{
    if (!validation)
        return NULL;
    for (size_t i = 0; i < validation->n_authorizations; i++)
        authorization_free(validation->authorizations[i]);
    free(validation->authorizations);
    failure_done(&validation->invalid);
    free(validation);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Validation *, validation_free)

bool validation_is_pending(const Validation *validation)
{
    return validation && validation->n_pending > 0;
}

bool validation_has_failed(const Validation *validation)
{
    return validation && validation->invalid.status;
}

bool validation_set_waiting(const Validation *validation, Failure *ret)
{
    for (size_t i = 0; validation && i < validation->n_authorizations; i++) {
        const char *what = authorization_waits_for(validation->authorizations[i]);

        if (!what)
            continue;
        failure_set(
            ret, LOG_EVENT_CHALLENGE_NOT_PUBLISHED, 503, 60,
            "%s: its TXT record is not to be seen at every server of the zone yet (%s): post "
            "the same CSR again later.",
            authorization_name(validation->authorizations[i]), what);
        return true;
    }
    return false;
}

/* Joins the reasons; the problem type stays the first one's. */
static void note_invalid(Validation *validation, const Failure *failure)
{
    Failure joined = { 0 }, *before = &validation->invalid;

    failure_set(&joined, before->reason ? before->event : failure->event, 421, 0, "%s%s%s",
                str_or(before->reason, failure->event == LOG_EVENT_CHALLENGE_NOT_PUBLISHED
                                           ? "Not put into DNS for the CA: "
                                           : "The CA could not validate: "),
                before->reason ? "; " : "", str_or(failure->reason, "?"));
    failure_set_type(&joined, str_or(before->problem, failure->problem));
    failure_done(before);
    *before = joined;
}

static void on_authorization(Authorization *authorization, const Failure *failure, void *userdata)
{
    const char *name = authorization_name(authorization);
    Validation *validation = userdata;
    Failure taken = { 0 };

    LOG_CONTEXT(validation->log);
    if (failure && failure->status == 421) {
        restraint_note_invalid(&validation->asking, name, failure);
        note_invalid(validation, failure);
    } else if (failure && !validation->is_inquiry) {
        failure_copy(&taken, failure);
        validation->callback(&taken, validation->userdata);
        return;
    } else if (!failure && !validation->is_inquiry)
        restraint_note_valid(&validation->asking, name);
    if (--validation->n_pending > 0)
        return;
    taken = validation->invalid;
    validation->invalid = (Failure){ 0 };
    validation->callback(taken.status ? &taken : NULL, validation->userdata);
}

int validation_start(sd_event *event, const AuthorizationTask *task, const Asking *asking,
                     const json_t *urls, validation_cb callback, void *userdata, Validation **ret)
{
    _cleanup_(validation_freep) Validation *validation = calloc(1, sizeof(*validation));
    size_t i, n = json_array_size(urls);
    const json_t *url;
    int r;

    if (n == 0 || n > CSR_NAMES_MAX)
        return -EBADMSG;
    if (!validation)
        return -ENOMEM;
    validation->asking = *asking;
    validation->log = task->log;
    validation->is_inquiry = !task->solvers;
    validation->callback = callback;
    validation->userdata = userdata;
    validation->authorizations = calloc(n, sizeof(Authorization *));
    if (!validation->authorizations)
        return -ENOMEM;
    json_array_foreach (urls, i, url) {
        if (!json_is_string(url))
            return -EBADMSG;
        r = authorization_start(event, task, json_string_value(url), on_authorization, validation,
                                &validation->authorizations[i]);
        if (r < 0)
            return r;
        validation->n_authorizations++;
    }
    validation->n_pending = n;
    *ret = TAKE_PTR(validation);
    return 0;
}
