/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Synchronous requests to the CA, for programs that can wait for the answer. */

#include "libacme/failure.h"
#include "libacme/transport/session.h"

typedef struct SyncAnswer {
    /* Set by the caller. */
    const char *purpose; /* completes "the request …", see failure_set_reply() */
    const char *lacking; /* the sentence if the CA has no URL for the request; NULL: it must have */
    bool wants_object;   /* a body that is no JSON object is a failure */

    bool arrived;
    long status;  /* HTTP; 0: there was no answer */
    json_t *json; /* NULL unless the answer is a JSON object */
    char *location;
    Failure failure; /* status 0 if the answer is a success */
} SyncAnswer;

void sync_answer_done(SyncAnswer *answer);

/* Callback for session_post() and similar functions, with a new SyncAnswer as userdata. A page
 * without a Location is a failure, whatever its status: some other server answered. */
void sync_callback(const SessionReply *reply, void *userdata);

/* The same for rollover_start() and similar functions. */
void sync_settle(const Failure *failure, void *userdata);

/* Runs the loop until the answer is there. 0, or -errno if the loop fails. */
int sync_wait(sd_event *event, const SyncAnswer *answer);
