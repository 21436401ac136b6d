/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A request in progress, and what is answered to it. Each answer has its journal entry. */

#include "policy/policy.h"
#include "sign/outcome.h"

#define RETRY_SOON 60U /* s */

typedef struct Sign {
    HttpExchange *exchange;
    const Config *config;
    Refusals *refusals;
    Authentication authentication;
    PolicyRequest policy;
    SignRequest request;
    bool is_unsure;    /* whether the key is compromised: acmems-orderd decides */
    bool has_outdated; /* the cache has a certificate, but it is due for renewal */
} Sign;

/* Logs how the request ended, and answers nothing. */
void sign_log(const Sign *sign, const Outcome *outcome);

/* Answers with an error. @retry_after: s, 0: none; @sentence: for the client */
void sign_refuse(Sign *sign, const Outcome *outcome, unsigned retry_after, const char *sentence);

/* The same for a request that no auth block permits. @why: for the journal; NULL: no more is known
 */
void sign_refuse_by_policy(Sign *sign, const char *why);

void sign_refuse_without_memory(Sign *sign);

/* Answers with a certificate chain, and with its HMAC if the request needed one. */
void sign_reply_chain(Sign *sign, const char *text, const Outcome *outcome);
