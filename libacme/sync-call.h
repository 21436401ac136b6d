/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Requests to the CA for programs that have nothing else to do meanwhile. */

#include "libacme/failure.h"
#include "libacme/transport/session.h"

typedef struct SyncAnswer {
    bool arrived;
    json_t *json; /* NULL unless the answer is a JSON object */
    char *location;
    Failure failure; /* status 0 when the answer is a success */
} SyncAnswer;

void sync_answer_done(SyncAnswer *answer);

/* The callback to give session_post() and its like, with a zeroed SyncAnswer as userdata. */
void sync_callback(const SessionReply *reply, void *userdata);

/* The same for rollover_start() and its like. */
void sync_settle(const Failure *failure, void *userdata);

/* Runs the loop until the answer is there: 0, or -errno when the loop breaks. */
int sync_wait(sd_event *event, const SyncAnswer *answer);
