/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign/outcome.h"

#include "log/log.h"
#include "strings/strv.h"
#include "x509/chain-fields.h"

static bool is_success(LogEvent event)
{
    return event == LOG_EVENT_REQUEST_ISSUED || event == LOG_EVENT_REQUEST_CACHED ||
           event == LOG_EVENT_REQUEST_OUTDATED;
}

/* A client can make as many failing requests as it likes. A success is always logged. */
static bool has_entry(HttpExchange *exchange, Refusals *refusals, const Outcome *outcome)
{
    const Source source = source_of(http_peer(exchange));

    return is_success(outcome->event) || refusals_pass(refusals, &source, now_monotonic());
}

/* Text of any length that a client sends is cut, or stands last, where the size limit cuts it. */
static void log_outcome(HttpExchange *exchange, const SignRequest *request, const Outcome *outcome)
{
    const AuthBlock *auth = request ? request->auth : NULL;
    const Csr *csr = request ? request->csr : NULL;
    _cleanup_strv_ char **identifiers = csr ? csr_identifiers(csr) : NULL;
    _cleanup_free_ char *names = strv_join(identifiers, " ");
    _cleanup_log_fields_ LogFields fields = { 0 };
    char peer[INET6_ADDRSTRLEN];

    log_fields_add(&fields, LOG_FIELD_REASON, outcome->why);
    log_fields_add_status(&fields, outcome->status);
    log_fields_add(&fields, LOG_FIELD_PROBLEM, outcome->problem);
    if (outcome->chain)
        chain_add_fields(outcome->chain, &fields);
    log_event(outcome->event, &fields, "%.20s %.100s from %s: %s%s%s%s: %s%s%s",
              http_method(exchange), http_path(exchange),
              socket_address_format(http_peer(exchange), peer),
              str_or(log_fields_get(&fields, LOG_FIELD_STATUS), "no answer"),
              auth ? ", auth \"" : "", auth ? auth->name : "", auth ? "\"" : "", outcome->why,
              names && *names ? "; names " : "", str_or(names, ""));
}

void outcome_log(const Outcome *outcome, HttpExchange *exchange, Refusals *refusals,
                 const SignRequest *request)
{
    if (has_entry(exchange, refusals, outcome))
        log_outcome(exchange, request, outcome);
}
