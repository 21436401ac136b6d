/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* How a request ended, and its journal entry. */

#include "log/log-event.h"
#include "policy/refusals.h"
#include "serving/http.h"
#include "statedir/storage/cache.h"

typedef struct Outcome {
    LogEvent event;
    int status;      /* 0: nothing was answered */
    const char *why; /* for the journal */
    const Chain *chain;
    const char *problem; /* of the CA */
} Outcome;

/* Logs how the request ended, unless too many requests of its source failed before. @request: NULL
 * if it was not read; its parts may be missing. */
void outcome_log(const Outcome *outcome, HttpExchange *exchange, Refusals *refusals,
                 const SignRequest *request);
