/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders/order-object.h"

#include "libacme/transport/problem.h"
#include "strings/encode.h"
#include "strings/rfc3339.h"
#include "strings/strv.h"

static int add_identifiers(json_t *list, const char *type, char *const *values)
{
    STRV_FOREACH (value, values)
        if (json_array_append_new(list, json_pack("{ssss}", "type", type, "value", *value)) < 0)
            return -ENOMEM;
    return 0;
}

static json_t *identifiers(const Csr *csr)
{
    json_auto_t *list = json_array();

    if (add_identifiers(list, "dns", csr->names) < 0 ||
        add_identifiers(list, "ip", csr->addresses) < 0)
        return NULL;
    return TAKE_PTR(list);
}

json_t *order_object_new(const Csr *csr, const char *profile, const char *replaces)
{
    json_t *list = identifiers(csr);

    return list ? json_pack("{soss*ss*}", "identifiers", list, "profile", profile, "replaces",
                            replaces)
                : NULL;
}

json_t *order_object_finalize(const Csr *csr)
{
    _cleanup_free_ unsigned char *der = NULL;
    _cleanup_free_ char *encoded = NULL;
    size_t size;

    if (csr_to_der(csr, &der, &size) >= 0)
        encoded = base64url_encode(der, size);
    return encoded ? json_pack("{ss}", "csr", encoded) : NULL;
}

bool order_object_is_made(const SessionReply *reply)
{
    return reply->status >= 200 && reply->status <= 299 && reply->location;
}

/* A CA may use another type than alreadyReplaced (RFC 9773 §5), or fail on the field. */
bool order_object_may_be_for_replaces(const SessionReply *reply)
{
    const char *type = reply->problem ? problem_type(reply->problem) : "";

    return reply->error == 0 && (reply->problem || reply->status < 500) && reply->status >= 400 &&
           reply->status != 429 && !streq(type, "rateLimited") && !streq(type, "badNonce");
}

int order_object_note(const json_t *object, OrderRecord *record)
{
    const char *finalize = session_url(object, "finalize");
    time_t expires = rfc3339_parse(json_string_value(json_object_get(object, "expires")));

    if (!record->finalize_url && finalize && !(record->finalize_url = strdup(finalize)))
        return -ENOMEM;
    /* If the order has just been made and has expired, the clock of this machine is ahead. */
    if (record->expires == 0 && expires > time(NULL))
        record->expires = expires;
    return 0;
}

/* An error of the request; with 404 it is about the URL, with 429 about a limit. */
static bool is_refusal(const SessionReply *reply)
{
    return reply->problem && reply->status >= 400 && reply->status < 500 && reply->status != 404 &&
           reply->status != 429;
}

bool order_object_refuses_names(const SessionReply *reply)
{
    return is_refusal(reply) && (streq(problem_type(reply->problem), "malformed") ||
                                 streq(problem_type(reply->problem), "badCSR"));
}

void order_object_set_names_refused(const json_t *problem, Failure *ret)
{
    failure_set(ret, LOG_EVENT_ORDER_FAILED_AT_CA, 415, 0,
                "The CA did not accept an order for the names in this CSR.");
    failure_quote(ret, problem);
}

/* Refusals of the CSR. */
static const struct {
    const char *type;
    bool at_once;         /* only in the answer to finalize: later it can be about something else */
    const char *sentence; /* NULL: the meaning is the usual one */
} csr_refusals[] = {
    { "badCSR", false, NULL },
    { "badPublicKey", false,
      "The CA does not accept the key of this CSR. Create one of another type or size." },
    { "badSignatureAlgorithm", false,
      "The CA does not accept the signature of this CSR. Sign it with SHA-256, as openssl req "
      "does." },
    { "invalidContact", false, NULL },
    { "malformed", false,
      "The CA did not accept this CSR. Create a new one, for example with openssl req." },
    /* The CA does not find the order's names in the CSR. */
    { "unauthorized", true,
      "The CA found other names in this CSR than were ordered. List every name in "
      "subjectAltName." },
    { "unsupportedContact", false, NULL },
};

static bool set_csr_refused(const json_t *problem, bool at_once, unsigned retry_after, Failure *ret)
{
    for (size_t i = 0; i < ELEMENTSOF(csr_refusals); i++) {
        if (!streq(problem_type(problem), csr_refusals[i].type) ||
            (csr_refusals[i].at_once && !at_once))
            continue;
        if (csr_refusals[i].sentence) {
            failure_set(ret, LOG_EVENT_ORDER_FAILED_AT_CA, 415, retry_after, "%s",
                        csr_refusals[i].sentence);
            failure_quote(ret, problem);
        } else
            failure_set_problem(ret, problem, retry_after);
        return true;
    }
    return false;
}

bool order_object_set_csr_refused(const SessionReply *reply, Failure *ret)
{
    return is_refusal(reply) && set_csr_refused(reply->problem, true, reply->retry_after, ret);
}

/* Some problem types blame the account or the request. But the CA accepted both before it ended the
 * order, so here they can only be about the names, or about the CSR once that was sent. */
void order_object_set_end(const json_t *object, bool has_csr, unsigned retry_after, Failure *ret)
{
    const json_t *error = json_object_get(object, "error");

    if (!json_is_object(error)) {
        failure_set(ret, LOG_EVENT_ORDER_FAILED_AT_CA, 421, 0,
                    "The CA ended the order and gave no reason. Try again later.");
        return;
    }
    if (has_csr && set_csr_refused(error, false, retry_after, ret))
        return;
    failure_set_problem(ret, error, retry_after);
    if (ret->status != 500)
        return;
    failure_set(ret, LOG_EVENT_ORDER_FAILED_AT_CA, 421, 0, "The CA could not validate the names.");
    failure_quote(ret, error);
}
