/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign/sign-request.h"

#include <stdio.h>

#include "log/log.h"
#include "policy/policy.h"
#include "sign/foreign-page.h"
#include "sign/order-client.h"
#include "statedir/files/runtime-path.h"
#include "statedir/revoked-key.h"
#include "statedir/storage/cache.h"
#include "strings/strv.h"
#include "x509/chain-fields.h"

/* Longer than orderd lets a caller wait, so that its reason arrives. */
#define ORDER_DEADLINE (100 * USEC_PER_SEC)
#define RETRY_SOON     60U

/* A request from the cache is reported to orderd if the last report is older than this, s. */
#define ASKED_ACCURACY (24 * 3600)
#define ASKED_DEADLINE (2 * USEC_PER_SEC)

#define CHAIN_TYPE "application/pem-certificate-chain"

/* Says nothing about the policy: the client may be anyone. */
#define NOT_ALLOWED "This request is not permitted. The server's journal says why."

#define TWO_AUTHENTICATIONS "The request has more than one Authentication header. Send exactly one."

/* A request in progress. */
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

/* How a request ended, for its journal entry. */
typedef struct Outcome {
    LogEvent event;
    int status;      /* 0: nothing was answered */
    const char *why; /* for the journal */
    const Chain *chain;
    const char *problem; /* of the CA */
} Outcome;

static void sign_done(Sign *sign)
{
    sign_request_done(&sign->request);
}

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

static void sign_log(const Sign *sign, const Outcome *outcome)
{
    if (has_entry(sign->exchange, sign->refusals, outcome))
        log_outcome(sign->exchange, &sign->request, outcome);
}

static void sign_refuse(Sign *sign, const Outcome *outcome, unsigned retry_after,
                        const char *sentence)
{
    sign_log(sign, outcome);
    http_reply_error(sign->exchange, outcome->status, retry_after, sentence);
}

static void refuse_by_policy(Sign *sign, const char *why)
{
    _cleanup_free_ char *time_sentence = policy_explain_time(sign->config, &sign->policy);

    sign_refuse(sign,
                &(Outcome){ .event = LOG_EVENT_REQUEST_DENIED,
                            .status = 403,
                            .why = str_or(why, "no auth block matches") },
                0, str_or(time_sentence, NOT_ALLOWED));
}

static void refuse_without_memory(Sign *sign)
{
    sign_refuse(
        sign,
        &(Outcome){ .event = LOG_EVENT_REQUEST_FAILED, .status = 500, .why = "out of memory" }, 0,
        "The server is out of memory. Try again later.");
}

/* Proves to a client that has the key that nobody changed the response on the way. Returns 0 with
 * NULL if the request needed no HMAC; -EIO or -ENOMEM. */
static int authenticate_reply(const Sign *sign, const char *text, char **ret)
{
    const AuthBlock *auth = sign->request.auth;
    _cleanup_free_ char *value = NULL;
    int r;

    *ret = NULL;
    if (!auth->hmac_type)
        return 0;
    r = authentication_format(auth->hmac_type, auth->hmac_key, text, strlen(text), &value);
    if (r >= 0 && asprintf(ret, "Authentication-Info: %s\r\n", value) < 0) {
        *ret = NULL;
        r = -ENOMEM;
    }
    return r;
}

static void reply_chain(Sign *sign, const char *text, const Outcome *outcome)
{
    _cleanup_free_ char *headers = NULL;

    if (authenticate_reply(sign, text, &headers) < 0) {
        refuse_without_memory(sign);
        return;
    }
    sign_log(sign, outcome);
    http_reply(sign->exchange, &(HttpResponse){ .status = 200,
                                                .type = CHAIN_TYPE,
                                                .headers = headers,
                                                .body = text,
                                                .size = strlen(text) });
}

/* Each step either answers the request and returns false, or returns true: the next step follows.
 */

/* With or without a valid configuration, so that no web page learns whether there is one. */
static bool check_origin(Sign *sign)
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

static bool check_config(Sign *sign)
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

static bool check_head(Sign *sign)
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
    if (header && authentication_parse(header, &sign->authentication) >= 0)
        sign->policy.authentication = &sign->authentication;
    if (policy_is_possible(sign->config, &sign->policy, &why))
        return true;
    refuse_by_policy(sign, why);
    return false;
}

static bool read_body(Sign *sign)
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
        refuse_without_memory(sign);
        return false;
    }
    log_context_add(LOG_FIELD_CSR, sign->request.key);
    return true;
}

/* Before the CSR is decoded: an unknown client reaches neither ASN.1 nor its own key. */
static bool check_client(Sign *sign)
{
    _cleanup_free_ char *why = NULL;

    sign->policy.body = sign->request.body;
    sign->policy.body_size = sign->request.size;
    if (policy_knows_client(sign->config, &sign->policy, &why))
        return true;
    refuse_by_policy(sign, why);
    return false;
}

static bool parse_csr(Sign *sign)
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
        refuse_without_memory(sign);
    return false;
}

static bool check_policy(Sign *sign)
{
    _cleanup_free_ char *why = NULL;

    sign->policy.csr = sign->request.csr;
    sign->request.auth = policy_decide(sign->config, &sign->policy, &why);
    if (sign->request.auth) {
        log_context_add(LOG_FIELD_AUTH, sign->request.auth->name);
        return true;
    }
    refuse_by_policy(sign, why);
    return false;
}

/* If the list of compromised keys cannot be read, the cache is not used, and acmems-orderd decides:
 * it owns the list. */
static bool check_key(Sign *sign)
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

static void reply_cached(Sign *sign, const Outcome *outcome)
{
    _cleanup_free_ char *text = NULL;
    size_t size;

    if (chain_format(outcome->chain, &text, &size) < 0)
        refuse_without_memory(sign);
    else
        reply_chain(sign, text, outcome);
}

static void reply_current(Sign *sign, const Chain *chain)
{
    reply_cached(sign, &(Outcome){ .event = LOG_EVENT_REQUEST_CACHED,
                                   .status = 200,
                                   .why = "from the cache",
                                   .chain = chain });
}

/* Tells orderd once a day that clients still request the certificate, if its storage needs that.
 * Errors do not matter: the client has its answer, and the next request reports again. */
static void tell_asked(const Sign *sign, const Chain *chain)
{
    const Storage *storage = sign->request.auth->storage;
    _cleanup_free_ char *socket = NULL;
    StorageMeta meta;
    time_t asked;

    if (!storage->prefetch)
        return;
    if (storage_meta_load(storage, sign->request.key, chain, &meta) < 0)
        return;
    asked = meta.asked;
    storage_meta_done(&meta);
    socket = runtime_socket_path(sign->config->runtime_directory);
    if (socket && asked + ASKED_ACCURACY < time(NULL))
        (void)order_tell_asked(socket, &sign->request, now_monotonic() + ASKED_DEADLINE);
}

/* As storage_lookup(). Entries that cannot be read or used are logged. */
static int look_up(const Sign *sign, Chain **ret)
{
    const Storage *storage = sign->request.auth->storage;
    const char *why = NULL;
    int r = storage_lookup(storage, &sign->request, ret, &why);

    if (r < 0)
        (void)log_event_errno(LOG_EVENT_CACHE_UNREADABLE, r, "Failed to read storage \"%s\": %m",
                              storage->name);
    else if (r == STORAGE_DAMAGED)
        log_event(LOG_EVENT_CACHE_DAMAGED, NULL,
                  "An entry in storage \"%s\" is damaged and is not used: %s", storage->name,
                  str_or(why, "?"));
    return r;
}

static bool try_cache(Sign *sign)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    int r = sign->is_unsure ? STORAGE_MISS : look_up(sign, &chain);

    sign->has_outdated = r == STORAGE_OUTDATED;
    if (r != STORAGE_HIT)
        return true;
    reply_current(sign, chain);
    tell_asked(sign, chain);
    return false;
}

static void reply_ordered(Sign *sign, const char *text)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    const char *why;

    /* Only for the journal: orderd has checked the chain. */
    (void)chain_parse(text, strlen(text), &chain, &why);
    reply_chain(
        sign, text,
        &(Outcome){
            .event = LOG_EVENT_REQUEST_ISSUED, .status = 200, .why = "ordered", .chain = chain });
}

static void reply_outdated(Sign *sign, const Chain *chain, const char *why, const char *problem)
{
    _cleanup_log_fields_ LogFields fields = { 0 };
    _cleanup_free_ char *text = NULL;
    int length = (int)strlen(why);

    if (length > 0 && why[length - 1] == '.')
        length--;
    chain_add_fields(chain, &fields);
    if (asprintf(&text, "%.*s; the previous certificate is valid until %s", length, why,
                 str_or(log_fields_get(&fields, LOG_FIELD_NOT_AFTER), "?")) < 0)
        text = NULL;
    reply_cached(sign, &(Outcome){ .event = LOG_EVENT_REQUEST_OUTDATED,
                                   .status = 200,
                                   .why = str_or(text, why),
                                   .chain = chain,
                                   .problem = problem });
}

static bool is_undelivered(int status)
{
    static const int statuses[] = { 421, 429, 500, 503 };

    for (size_t i = 0; i < ELEMENTSOF(statuses); i++)
        if (statuses[i] == status)
            return true;
    return false;
}

/* When the CA delivers no new certificate, the client gets the previous one while that is valid.
 * The cache is read again: the certificate may have been revoked while the order ran. False: there
 * is no valid one. */
static bool try_outdated(Sign *sign, int status, const char *why, const char *problem)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    int r;

    if (!sign->has_outdated || !is_undelivered(status))
        return false;
    r = look_up(sign, &chain);
    if (r == STORAGE_HIT)
        reply_current(sign, chain);
    else if (r == STORAGE_OUTDATED && chain_is_alive(chain, time(NULL)))
        reply_outdated(sign, chain, why, problem);
    else
        return false;
    return true;
}

static void refuse_by_order(Sign *sign, const OrderAnswer *answer)
{
    if (try_outdated(sign, answer->status, answer->reason, answer->problem))
        return;
    sign_refuse(sign,
                &(Outcome){ .event = LOG_EVENT_REQUEST_FAILED,
                            .status = answer->status,
                            .why = answer->reason,
                            .problem = answer->problem },
                answer->retry_after, answer->reason);
}

static void refuse_without_answer(Sign *sign, const char *why, const char *sentence)
{
    if (try_outdated(sign, 503, why, NULL))
        return;
    sign_refuse(sign, &(Outcome){ .event = LOG_EVENT_REQUEST_FAILED, .status = 503, .why = why },
                RETRY_SOON, sentence);
}

static void refuse_without_orderd(Sign *sign, const char *socket, int r)
{
    if (r == -EACCES) {
        (void)log_event_errno(LOG_EVENT_ORDERD_UNREACHABLE, r,
                              "This process may not use acmems-orderd at '%s': %m", socket);
        refuse_without_answer(
            sign, "acmems-orderd denies permission",
            "The server cannot use its order service: permission denied. The server's "
            "journal says why.");
        return;
    }
    (void)log_event_errno(LOG_EVENT_ORDERD_UNREACHABLE, r,
                          "acmems-orderd at '%s' does not answer: %m", socket);
    refuse_without_answer(sign, "acmems-orderd does not answer",
                          "The server cannot reach its order service. Try again later.");
}

/* The order continues. */
static void abandon(Sign *sign)
{
    sign_log(sign, &(Outcome){ .event = LOG_EVENT_REQUEST_GONE,
                               .why = "the client disconnected while it waited for the order" });
    http_abandon(sign->exchange);
}

static bool sign_order(Sign *sign)
{
    _cleanup_(order_answer_done) OrderAnswer answer = { 0 };
    _cleanup_free_ char *socket = runtime_socket_path(sign->config->runtime_directory);
    char client[INET6_ADDRSTRLEN];
    const OrderRequest request = {
        .request = &sign->request,
        .request_id = http_request_id(sign->exchange),
        .client = socket_address_format(http_peer(sign->exchange), client),
        .client_fd = http_client_fd(sign->exchange),
    };
    int r;

    if (!socket) {
        refuse_without_memory(sign);
        return false;
    }
    r = order_request(socket, &request, now_monotonic() + ORDER_DEADLINE, &answer);
    if (r >= 0 && answer.status == 200)
        reply_ordered(sign, answer.chain);
    else if (r >= 0)
        refuse_by_order(sign, &answer);
    else if (r == -ECANCELED)
        abandon(sign);
    else if (r == -ETIMEDOUT)
        refuse_without_answer(
            sign, "the order is still in progress",
            "The certificate has not been issued yet. Post the same CSR again later.");
    else
        refuse_without_orderd(sign, socket, r);
    return false;
}

void sign_serve(HttpExchange *exchange, void *userdata)
{
    static bool (*const steps[])(Sign * sign) = {
        check_origin, check_config, check_head, read_body, check_client,
        parse_csr,    check_policy, check_key,  try_cache, sign_order,
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

    if (has_entry(exchange, context->refusals, &outcome))
        log_outcome(exchange, NULL, &outcome);
}
