/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/sync-call.h"

void sync_answer_done(SyncAnswer *answer)
{
    json_decref(answer->json);
    free(answer->location);
    failure_done(&answer->failure);
    *answer = (SyncAnswer){ 0 };
}

/* The body may be missing, but not something else. */
static bool is_odd(const SyncAnswer *answer, const SessionReply *reply)
{
    const char *body = reply->body + strspn(reply->body, " \t\r\n");

    return !reply->json && *body && (answer->wants_object || (*body == '<' && !reply->location));
}

static void set_failure(SyncAnswer *answer, const SessionReply *reply)
{
    if (reply->error == -EOPNOTSUPP && answer->lacking)
        failure_set(&answer->failure, LOG_EVENT_ORDER_FAILED_AT_CA, 500, 0, "%s", answer->lacking);
    else
        failure_set_reply(&answer->failure, reply, str_or(answer->purpose, "of this program"));
}

void sync_callback(const SessionReply *reply, void *userdata)
{
    SyncAnswer *answer = userdata;

    answer->arrived = true;
    answer->status = reply->status;
    answer->json = reply->json ? json_deep_copy(reply->json) : NULL;
    answer->location = reply->location ? strdup(reply->location) : NULL;
    if (!session_reply_is_good(reply) || is_odd(answer, reply))
        set_failure(answer, reply);
}

void sync_settle(const Failure *failure, void *userdata)
{
    SyncAnswer *answer = userdata;

    answer->arrived = true;
    if (failure)
        failure_copy(&answer->failure, failure);
}

int sync_wait(sd_event *event, const SyncAnswer *answer)
{
    while (!answer->arrived) {
        int r = sd_event_run(event, UINT64_MAX);

        if (r < 0)
            return r;
    }
    return 0;
}
