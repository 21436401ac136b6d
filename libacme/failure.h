/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The reason why there is no certificate, as the waiting client is told. */

#include "base/macro.h"
#include "libacme/transport/session.h"
#include "log/log-event.h"

typedef struct Failure {
    LogEvent event;          /* entry of the journal's catalog that explains it */
    int status;              /* HTTP status, 0: no failure */
    unsigned retry_after;    /* s, 0: none */
    char *reason;            /* one or two sentences: what happened and what to do */
    char *problem;           /* the CA's problem type, if it caused this; else NULL */
    bool passing;            /* the same request may succeed later … */
    bool elsewhere;          /* the fault is at this CA: another one may succeed */
    unsigned pause;          /* … but not before the CA's own Retry-After, s; 0: it named none */
    bool is_without_account; /* the CA does not have the account, and the files name no other one */
} Failure;

void failure_done(Failure *failure);

/* From now on the reasons speak to the administrator, who runs this program: "Run …" in place of
 * "The server's administrator must run …". */
void failure_speak_to_administrator(void);

/* The path of the configuration, for the commands that reasons name; it must stay valid. */
void failure_name_config(const char *path);

/* The name of the account that the reasons are about, for the commands that they name; it must stay
 * valid. "": the default account. */
void failure_name_account(const char *name);

/* Makes the sentence with what the administrator must do; free(). @advice: an imperative without a
 * period: "run 'acme-register CONFIG'". The path of failure_name_config() takes the place of
 * "CONFIG", after the option for the account of failure_name_account() if it ends a command. NULL:
 * out of memory. */
char *failure_advice(const char *advice);

/* Replaces the failure. text_flatten() makes the reason safe for a terminal. It is NULL if out of
 * memory. */
void failure_set(Failure *failure, LogEvent event, int status, unsigned retry_after,
                 const char *format, ...) _printf_(5, 6);

/* Replaces the failure with a copy. The reason is NULL if out of memory. */
void failure_copy(Failure *failure, const Failure *from);

/* Appends a sentence to the reason, which gets a period if it ends with words of the CA that have
 * none. */
void failure_amend(Failure *failure, const char *sentence);

/* Appends the words of the CA, and sets the type of the problem. */
void failure_quote(Failure *failure, const json_t *problem);

/* Replaces the reason alone. */
void failure_reword(Failure *failure, const char *format, ...) _printf_(2, 3);

/* Sets the problem type that caused it; NULL or "": none. */
void failure_set_type(Failure *failure, const char *type);

/* Sets it from a problem document (RFC 8555 §6.7), by the table in problem.c. @retry_after: s, of
 * the answer's header; 0: a time that the text names counts. */
void failure_set_problem(Failure *failure, const json_t *problem, unsigned retry_after);

/**
 * failure_set_reply() - set it from an answer of the CA that is no success
 *
 * The CA was not reached, sent a problem document, or sent an unexpected status. @purpose completes
 * "The CA sent an unexpected answer to the request <purpose>" for the last case: "for a new order".
 */
void failure_set_reply(Failure *failure, const SessionReply *reply, const char *purpose);
