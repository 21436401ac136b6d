/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Why there is no certificate: as the waiting client is told it. */

#include "base/macro.h"
#include "libacme/transport/session.h"
#include "log/log-event.h"

typedef struct Failure {
    LogEvent event;       /* as the journal explains it */
    int status;           /* HTTP status, 0: no failure */
    unsigned retry_after; /* s, 0: none */
    char *reason;         /* one or two sentences, what to do among them */
    char *problem;        /* the CA's problem type, where that is why; else NULL */
    bool passing;         /* the same request may well succeed later … */
    bool elsewhere;       /* it is the CA that cannot now: another one may */
    unsigned pause;       /* … but not before the CA's own Retry-After, s, 0: it named none */
    bool
        is_without_account; /* it is none at the CA, or none any more, and its files say no other */
} Failure;

void failure_done(Failure *failure);

/* Sets it, dropping what it was; made fit for a terminal by text_flatten(). Without memory the
 * reason stays NULL. */
void failure_set(Failure *failure, LogEvent event, int status, unsigned retry_after,
                 const char *format, ...) _printf_(5, 6);

/* Copies one; without memory the reason stays NULL. */
void failure_copy(Failure *failure, const Failure *from);

/* Puts another sentence behind the reason. */
void failure_amend(Failure *failure, const char *sentence);

/* Says it in other words. */
void failure_reword(Failure *failure, const char *format, ...) _printf_(2, 3);

/* Names the problem type that is why; NULL or "": none. */
void failure_set_type(Failure *failure, const char *type);

/* Of a problem document (RFC 8555 §6.7), by the table in problem.c; @retry_after of the answer's
 * header, or 0: then a time that its text names counts. */
void failure_set_problem(Failure *failure, const json_t *problem, unsigned retry_after);

/**
 * failure_set_reply() - whatever is wrong with an answer of the CA
 *
 * Not reached, a problem document, or a status that was not expected. @doing completes "The CA …
 * while <doing>" for the last case: "taking the order".
 */
void failure_set_reply(Failure *failure, const SessionReply *reply, const char *doing);
