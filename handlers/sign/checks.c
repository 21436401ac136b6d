/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign/checks.h"

#include "log/log.h"
#include "sign/foreign-page.h"
#include "statedir/revoked-key.h"
#include "strings/strv.h"

#define TWO_AUTHENTICATIONS "The request has more than one Authentication header. Send exactly one."

/* With or without a valid configuration, so that no web page learns whether there is one. */
bool sign_check_origin(Sign *sign)
{
    _cleanup_free_ char *why = NULL;
    const char *sentence = foreign_page_detect(sign->exchange, sign->config, &why);

    if (!sentence)
        return true;
    sign_refuse(sign,
                &(Outcome){ .event = LOG_EVENT_REQUEST_REFUSED,
                            .status = 403,
                            .why = str_or(why, sentence) },
                0, sentence);
    return false;
}

bool sign_check_config(Sign *sign)
{
    if (sign->config)
        return true;
    sign_refuse(
        sign,
        &(Outcome){ .event = LOG_EVENT_REQUEST_FAILED,
                    .status = 503,
                    .why = "the configuration is invalid" },
        RETRY_SOON,
        "The server's configuration is invalid. The journal of the server and 'acmemsctl check' "
        "show the line.");
    return false;
}

bool sign_check_head(Sign *sign)
{
    _cleanup_free_ char *why = NULL;
    const char *header = http_header(sign->exchange, "Authentication");

    /* Another program on the way could judge another one. */
    if (http_header_count(sign->exchange, "Authentication") > 1) {
        sign_refuse(sign,
                    &(Outcome){ .event = LOG_EVENT_REQUEST_REFUSED,
                                .status = 400,
                                .why = TWO_AUTHENTICATIONS },
                    0, TWO_AUTHENTICATIONS);
        return false;
    }
    sign->policy.peer = http_peer(sign->exchange);
    sign->policy.now = time(NULL);
    if (header)
        sign->policy.authentication_error = authentication_parse(header, &sign->authentication);
    if (header && sign->policy.authentication_error >= 0)
        sign->policy.authentication = &sign->authentication;
    if (policy_is_possible(sign->config, &sign->policy, &why))
        return true;
    sign_refuse_by_policy(sign, why);
    return false;
}

bool sign_read_body(Sign *sign)
{
    const char *body;
    size_t size;
    int r;

    r = http_read_body(sign->exchange, &body, &size);
    if (r == -EBADMSG)
        return false; /* the server has answered and called sign_refused() */
    if (r == -ECONNRESET) {
        sign_log(sign,
                 &(Outcome){ .event = LOG_EVENT_REQUEST_GONE,
                             .why = "the client disconnected before its request was complete" });
        return false;
    }
    if (r >= 0)
        r = sign_request_init(&sign->request, body, size);
    if (r < 0) {
        sign_refuse_without_memory(sign);
        return false;
    }
    log_context_add(LOG_FIELD_CSR, sign->request.key);
    return true;
}

/* Before the CSR is decoded: an unknown client reaches neither ASN.1 nor its own key. */
bool sign_check_client(Sign *sign)
{
    _cleanup_free_ char *why = NULL;

    sign->policy.body = sign->request.body;
    sign->policy.body_size = sign->request.size;
    if (policy_knows_client(sign->config, &sign->policy, &why))
        return true;
    sign_refuse_by_policy(sign, why);
    return false;
}

bool sign_parse_csr(Sign *sign)
{
    const char *reason = NULL;
    int r = sign_request_parse(&sign->request, &reason);

    if (r >= 0) {
        log_context_add_all(LOG_FIELD_NAME, sign->request.csr->names);
        log_context_add_all(LOG_FIELD_NAME, sign->request.csr->addresses);
        return true;
    }
    reason = str_or(reason, "The body is not a CSR.");
    if (r == -EBADMSG)
        sign_refuse(sign,
                    &(Outcome){ .event = LOG_EVENT_REQUEST_REFUSED, .status = 415, .why = reason },
                    0, reason);
    else
        sign_refuse_without_memory(sign);
    return false;
}

bool sign_check_policy(Sign *sign)
{
    _cleanup_free_ char *why = NULL;

    sign->policy.csr = sign->request.csr;
    sign->request.auth = policy_decide(sign->config, &sign->policy, &why);
    if (sign->request.auth) {
        log_context_add(LOG_FIELD_AUTH, sign->request.auth->name);
        return true;
    }
    sign_refuse_by_policy(sign, why);
    return false;
}

/* If the list of compromised keys cannot be read, the cache is not used, and acmems-orderd decides:
 * it owns the list. */
bool sign_check_key(Sign *sign)
{
    const char *state = sign->config->state_directory;
    int r = revoked_key_is_known(state, csr_key(sign->request.csr));

    sign->is_unsure = r < 0;
    if (r < 0)
        (void)log_event_errno(LOG_EVENT_CACHE_UNREADABLE, r,
                              "Failed to read the revoked keys in '%s': %m", state);
    if (r <= 0)
        return true;
    sign_refuse(sign,
                &(Outcome){ .event = LOG_EVENT_REQUEST_REFUSED,
                            .status = 415,
                            .why = REVOKED_KEY_SENTENCE },
                0, REVOKED_KEY_SENTENCE);
    return false;
}
