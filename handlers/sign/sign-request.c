/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign/sign-request.h"

#include "sign/cached.h"
#include "sign/checks.h"
#include "sign/ordered.h"

static void sign_done(Sign *sign)
{
    sign_request_done(&sign->request);
}

void sign_serve(HttpExchange *exchange, void *userdata)
{
    static bool (*const steps[])(Sign * sign) = {
        sign_check_origin, sign_check_config, sign_check_head, sign_read_body, sign_check_client,
        sign_parse_csr,    sign_check_policy, sign_check_key,  sign_try_cache, sign_order,
    };
    const SignContext *context = userdata;
    _cleanup_(sign_done) Sign sign = { .exchange = exchange,
                                       .config = context->config,
                                       .refusals = context->refusals };

    for (size_t i = 0; i < ELEMENTSOF(steps); i++)
        if (!steps[i](&sign))
            return;
}

void sign_refused(HttpExchange *exchange, int status, const char *reason, void *userdata)
{
    const SignContext *context = userdata;
    const Outcome outcome = { .event = LOG_EVENT_REQUEST_REFUSED, .status = status, .why = reason };

    outcome_log(&outcome, exchange, context->refusals, NULL);
}
