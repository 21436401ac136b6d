/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/sync-call.h"

void sync_answer_done(SyncAnswer *answer)
{
    json_decref(answer->json);
    free(answer->location);
    failure_done(&answer->failure);
    *answer = (SyncAnswer){ 0 };
}

void sync_callback(const SessionReply *reply, void *userdata)
{
    SyncAnswer *answer = userdata;

    answer->arrived = true;
    answer->status = reply->status;
    answer->json = reply->json ? json_deep_copy(reply->json) : NULL;
    answer->location = reply->location ? strdup(reply->location) : NULL;
    if (!session_reply_is_good(reply))
        failure_set_reply(&answer->failure, reply, "of this program");
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
