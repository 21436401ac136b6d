/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign/reply.h"

#include <stdio.h>

#define CHAIN_TYPE "application/pem-certificate-chain"
/* RFC 7234 §5.5.1. RFC 9111 no longer has it, but there is no other header that says it. */
#define OUTDATED_WARNING                                                                           \
    "Warning: 110 acmems \"The certificate could not be renewed. The server's journal says "       \
    "why.\"\r\n"

/* The client may be anyone: beyond its own request it learns only whether any block requires an
 * HMAC. A client that has the key of a block also learns the digest. */
#define NOT_ALLOWED "This request is not permitted."
#define SEE_JOURNAL "The server's journal says why."

static const char *not_allowed(const Sign *sign)
{
    if (sign->policy.authentication || !policy_uses_hmac(sign->config))
        return NOT_ALLOWED " " SEE_JOURNAL;
    switch (sign->policy.authentication_error) {
    case 0:
        return NOT_ALLOWED " It has no Authentication header. " SEE_JOURNAL;
    case -EOPNOTSUPP:
        return NOT_ALLOWED
            " Its Authentication header names a digest that acmems does not support. "
            "Use that of the auth block, such as sha256. " SEE_JOURNAL;
    default:
        return NOT_ALLOWED " Its Authentication header is malformed: the form is 'hmac "
                           "name=sha256, hash=HEX'. " SEE_JOURNAL;
    }
}

void sign_log(const Sign *sign, const Outcome *outcome)
{
    outcome_log(outcome, sign->exchange, sign->refusals, &sign->request);
}

void sign_refuse(Sign *sign, const Outcome *outcome, unsigned retry_after, const char *sentence)
{
    sign_log(sign, outcome);
    http_reply_error(sign->exchange, outcome->status, retry_after, sentence);
}

void sign_refuse_by_policy(Sign *sign, const char *why)
{
    _cleanup_free_ char *digest_sentence = policy_explain_digest(sign->config, &sign->policy);
    _cleanup_free_ char *time_sentence = policy_explain_time(sign->config, &sign->policy);

    sign_refuse(sign,
                &(Outcome){ .event = LOG_EVENT_REQUEST_DENIED,
                            .status = 403,
                            .why = str_or(why, "no auth block matches") },
                0, str_or(digest_sentence, str_or(time_sentence, not_allowed(sign))));
}

void sign_refuse_without_memory(Sign *sign)
{
    sign_refuse(
        sign,
        &(Outcome){ .event = LOG_EVENT_REQUEST_FAILED, .status = 500, .why = "out of memory" }, 0,
        "The server is out of memory. Try again later.");
}

/* Computes the HMAC of the response, by which the client detects a change on the way. The key is
 * that of the block that permits the request, or, if that block needs none, the one the request was
 * authenticated with. *ret is "" if there is neither. Returns 0, -EIO or -ENOMEM. */
static int authenticate_reply(const Sign *sign, const char *text, char **ret)
{
    const AuthBlock *auth = sign->request.auth;
    _cleanup_free_ char *value = NULL;
    int r;

    if (!auth->hmac_type)
        auth = policy_find_hmac(sign->config, &sign->policy);
    if (!auth) {
        *ret = strdup("");
        return *ret ? 0 : -ENOMEM;
    }
    r = authentication_format(auth->hmac_type, auth->hmac_key, text, strlen(text), &value);
    if (r >= 0 && asprintf(ret, "Authentication-Info: %s\r\n", value) < 0) {
        *ret = NULL;
        r = -ENOMEM;
    }
    return r;
}

void sign_reply_chain(Sign *sign, const char *text, const Outcome *outcome)
{
    _cleanup_free_ char *authentication = NULL, *headers = NULL;
    bool is_outdated = outcome->event == LOG_EVENT_REQUEST_OUTDATED;

    if (authenticate_reply(sign, text, &authentication) < 0 ||
        asprintf(&headers, "%s%s", authentication, is_outdated ? OUTDATED_WARNING : "") < 0) {
        headers = NULL;
        sign_refuse_without_memory(sign);
        return;
    }
    sign_log(sign, outcome);
    http_reply(sign->exchange, &(HttpResponse){ .status = 200,
                                                .type = CHAIN_TYPE,
                                                .headers = headers,
                                                .body = text,
                                                .size = strlen(text) });
}
