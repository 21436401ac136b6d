/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "order.h"

#include <stdio.h>

#include "authorization.h"
#include "chain-fields.h"
#include "encode.h"
#include "log.h"
#include "polling.h"
#include "problem.h"
#include "strv.h"

#define CHAIN_TYPE "application/pem-certificate-chain"

typedef enum Finalize { FINALIZE_NOT_SENT, FINALIZE_SENT, FINALIZE_TAKEN } Finalize;

struct Order {
    sd_event *event;
    Config *config;
    const Storage *storage;
    int challenge_fd;
    char key[STORAGE_KEY_SIZE];
    char *body;
    size_t body_size;
    Csr *csr;
    char *names;
    LogFields log;
    unsigned n_askers; /* named in it */

    Account *account;
    AccountWaiter *account_waiter;
    char *url;
    char *finalize_url;
    Finalize finalize;
    time_t renewal;  /* of what was stored */
    Failure trouble; /* with the last answer after that, which is asked for again */
    Authorization **authorizations;
    size_t n_authorizations, n_pending;
    Failure invalid; /* what went wrong, name by name, while the others are awaited */
    SessionCall *call;
    sd_event_source *timer; /* start, then polls */
    sd_event_source *deadline;
    Poll poll;
    order_cb callback;
    void *userdata;
};

static void on_order(const SessionReply *reply, void *userdata);

const char *order_key(const Order *order)
{
    return order->key;
}

time_t order_renewal(const Order *order)
{
    return order->renewal;
}

const char *order_names(const Order *order)
{
    return order->names;
}

void order_add_asker(Order *order, const OrderAsker *asker)
{
    if (order->n_askers == ORDER_ASKERS_NAMED)
        return;
    order->n_askers++;
    log_fields_add(&order->log, LOG_FIELD_REQUEST_ID, asker->request_id);
    log_fields_add(&order->log, LOG_FIELD_CLIENT, asker->client);
}

LogFields *order_log_fields(Order *order)
{
    return &order->log;
}

static void drop_authorizations(Order *order)
{
    for (size_t i = 0; i < order->n_authorizations; i++)
        authorization_free(order->authorizations[i]);
    free(order->authorizations);
    order->authorizations = NULL;
    order->n_authorizations = 0;
}

Order *order_free(Order *order)
{
    if (!order)
        return NULL;
    drop_authorizations(order);
    account_waiter_cancel(order->account_waiter);
    session_call_cancel(order->call);
    sd_event_source_disable_unref(order->timer);
    sd_event_source_disable_unref(order->deadline);
    account_unref(order->account);
    config_unref(order->config);
    csr_free(order->csr);
    sd_event_unref(order->event);
    free(order->body);
    free(order->names);
    free(order->url);
    free(order->finalize_url);
    failure_done(&order->invalid);
    failure_done(&order->trouble);
    log_context_done(&order->log);
    free(order);
    return NULL;
}

static void log_failed(const Order *order, const Failure *failure)
{
    const char *reason = str_or(failure->reason, "out of memory");
    _cleanup_log_fields_ LogFields fields = { 0 };

    log_fields_add(&fields, LOG_FIELD_REASON, reason);
    log_fields_add_status(&fields, failure->status);
    log_fields_add(&fields, LOG_FIELD_PROBLEM, failure->problem);
    log_event(failure->event, &fields, "No certificate for %s: %s", order->names, reason);
}

/* The callback frees the order: nothing touches it afterwards. */
static void order_end(Order *order, const Chain *chain, const Failure *failure)
{
    drop_authorizations(order);
    if (failure)
        log_failed(order, failure);
    order->callback(order, chain, failure, order->userdata);
}

static void order_fail(Order *order, LogEvent event, int status, unsigned retry_after,
                       const char *why)
{
    Failure failure = { 0 };

    failure_set(&failure, event, status, retry_after, "%s", why);
    order_end(order, NULL, &failure);
    failure_done(&failure);
}

/* What the CA said makes no sense. */
static void order_fail_ca(Order *order, unsigned retry_after, const char *why)
{
    order_fail(order, LOG_EVENT_ORDER_FAILED_AT_CA, 503, retry_after, why);
}

static void order_fail_memory(Order *order)
{
    order_fail(order, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
               "The server is out of memory: try again later.");
}

static void order_fail_reply(Order *order, const SessionReply *reply, const char *doing)
{
    Failure failure = { 0 };

    failure_set_reply(&failure, reply, doing);
    order_end(order, NULL, &failure);
    failure_done(&failure);
}

static void order_post(Order *order, const SessionRequest *request, session_cb callback)
{
    int r;

    r = session_post(account_session(order->account), request, callback, order, &order->call);
    if (r < 0) {
        log_error_errno(r, "Request to the CA for %s cannot be made: %m", order->names);
        order_fail(order, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
                   "The server cannot make a request to the CA: its journal says why.");
    }
}

static void order_fetch(Order *order)
{
    order_post(order, &(SessionRequest){ .url = order->url }, on_order);
}

static void order_poll(Order *order, unsigned retry_after)
{
    if (sd_event_source_set_time_relative(order->timer, poll_next(&order->poll, retry_after)) < 0 ||
        sd_event_source_set_enabled(order->timer, SD_EVENT_ONESHOT) < 0)
        order_fail_memory(order);
}

/* No answer, or none that says how the order stands: orderNotReady comes for an order that was
 * finalised already, by a request whose answer got lost. */
static bool is_no_answer(const SessionReply *reply)
{
    return reply->error < 0 || reply->status >= 500 ||
           (reply->problem && streq(problem_type(reply->problem), "orderNotReady"));
}

/* Once the order is finalised a certificate may be there: what the CA does not manage to say is
 * asked for again until the deadline, so that none is lost. */
static bool order_ask_again(Order *order, const SessionReply *reply, const char *doing)
{
    failure_done(&order->trouble);
    if (order->finalize == FINALIZE_NOT_SENT || !is_no_answer(reply))
        return false;
    failure_set_reply(&order->trouble, reply, doing);
    order_poll(order, reply->retry_after);
    return true;
}

static void log_issued(const Order *order, const Chain *chain)
{
    _cleanup_log_fields_ LogFields fields = { 0 };

    chain_add_fields(chain, &fields);
    log_event(LOG_EVENT_CERTIFICATE_ISSUED, &fields,
              "Certificate issued for %s: serial %s, until %s, order %s", order->names,
              str_or(log_fields_get(&fields, LOG_FIELD_SERIAL), "?"),
              str_or(log_fields_get(&fields, LOG_FIELD_NOT_AFTER), "?"), str_or(order->url, "?"));
}

static void on_certificate(const SessionReply *reply, void *userdata)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    Order *order = userdata;
    const char *why = NULL;
    int r;

    LOG_CONTEXT(&order->log);
    order->call = NULL;
    if (order_ask_again(order, reply, "handing out the certificate"))
        return;
    if (reply->status != 200) {
        order_fail_reply(order, reply, "handing out the certificate");
        return;
    }
    r = streq(reply->content_type, CHAIN_TYPE) ? chain_parse(reply->body, reply->size, &chain, &why)
                                               : -EBADMSG;
    if (r >= 0)
        r = chain_check(chain, order->csr, &why);
    if (r < 0) {
        log_event(LOG_EVENT_CERTIFICATE_UNUSABLE, NULL, "The certificate for %s cannot be used: %s",
                  order->names, str_or(why, "it is not a chain of PEM certificates"));
        order_fail_ca(
            order, 3600,
            "The CA issued something that is not the certificate asked for: try again later.");
        return;
    }
    log_issued(order, chain);
    r = storage_store(order->storage, order->body, order->body_size, chain);
    if (r < 0)
        log_event_errno(LOG_EVENT_CERTIFICATE_NOT_STORED, r,
                        "The certificate for %s was not stored in '%s': %m", order->names,
                        str_or(order->storage->directory, ""));
    else if (order->storage->type == STORAGE_FILE)
        order->renewal = chain_renewal(chain, order->storage->renew_within);
    order_end(order, chain, NULL);
}

/* RFC 8555 §7.4: the account was good enough for the order; what the CA refuses to authorise here
 * is the CSR, where it does not see the order's names in it. */
static void order_fail_names(Order *order, const json_t *problem)
{
    _cleanup_free_ char *said = problem_describe(problem);
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ORDER_FAILED_AT_CA, 415, 0,
                "The CA does not find the names in this CSR: put every one of them into "
                "subjectAltName. The CA said: %s",
                str_or(said, "?"));
    failure_set_type(&failure, problem_type(problem));
    order_end(order, NULL, &failure);
    failure_done(&failure);
}

static void on_finalized(const SessionReply *reply, void *userdata)
{
    Order *order = userdata;

    LOG_CONTEXT(&order->log);
    if (reply->problem && streq(problem_type(reply->problem), "unauthorized")) {
        order->call = NULL;
        order_fail_names(order, reply->problem);
        return;
    }
    if (reply->error == 0 && reply->status == 200)
        order->finalize = FINALIZE_TAKEN;
    on_order(reply, order);
}

static void order_finalize(Order *order)
{
    json_auto_t *payload = NULL;
    _cleanup_free_ unsigned char *der = NULL;
    _cleanup_free_ char *encoded = NULL;
    size_t size;

    if (csr_to_der(order->csr, &der, &size) >= 0)
        encoded = base64url_encode(der, size);
    payload = encoded ? json_pack("{ss}", "csr", encoded) : NULL;
    if (!payload) {
        order_fail_memory(order);
        return;
    }
    order->finalize = FINALIZE_SENT;
    order_post(order, &(SessionRequest){ .url = order->finalize_url, .payload = payload },
               on_finalized);
}

/* RFC 8555 §7.1.6: a ready order is finalised, again where the first time did not arrive. One that
 * the CA took is not: it has not noticed yet. */
static void on_ready(Order *order, const SessionReply *reply)
{
    if (order->finalize == FINALIZE_TAKEN)
        order_poll(order, reply->retry_after);
    else
        order_finalize(order);
}

static void on_processing(Order *order, const SessionReply *reply)
{
    order_poll(order, reply->retry_after);
}

static void on_valid(Order *order, const SessionReply *reply)
{
    const char *url = session_url(reply->json, "certificate");

    if (url)
        order_post(order, &(SessionRequest){ .url = url, .accept = CHAIN_TYPE }, on_certificate);
    else
        order_fail_ca(
            order, 60,
            "The CA says the certificate is issued but not where it is: try again later.");
}

static void on_invalid(Order *order, const SessionReply *reply)
{
    const json_t *error = json_object_get(reply->json, "error");
    Failure failure = { 0 };

    if (json_is_object(error))
        failure_set_problem(&failure, error, reply->retry_after);
    else
        failure_set(&failure, LOG_EVENT_ORDER_FAILED_AT_CA, 421, 0,
                    "The CA ended the order without saying why: try again later.");
    order_end(order, NULL, &failure);
    failure_done(&failure);
}

/* Joins the reasons; the problem type stays the first one's. */
static void order_note_invalid(Order *order, const Failure *failure)
{
    Failure joined = { 0 };

    failure_set(&joined, LOG_EVENT_ORDER_FAILED_AT_CA, 421, 0, "%s%s%s",
                str_or(order->invalid.reason, "The CA could not validate: "),
                order->invalid.reason ? "; " : "", str_or(failure->reason, "?"));
    failure_set_type(&joined, str_or(order->invalid.problem, failure->problem));
    failure_done(&order->invalid);
    order->invalid = joined;
}

/* A name that fails validation is reported together with the others that do (421); anything else
 * ends the order at once. */
static void on_authorization(Authorization *authorization, const Failure *failure, void *userdata)
{
    Order *order = userdata;

    LOG_CONTEXT(&order->log);
    (void)authorization;
    if (failure && failure->status != 421) {
        order_end(order, NULL, failure);
        return;
    }
    if (failure)
        order_note_invalid(order, failure);
    if (--order->n_pending > 0)
        return;
    if (order->invalid.status) {
        Failure all = order->invalid;

        order->invalid = (Failure){ 0 };
        order_end(order, NULL, &all);
        failure_done(&all);
        return;
    }
    order->poll = (Poll){ 0 };
    order_fetch(order);
}

static int start_authorizations(Order *order, const json_t *urls)
{
    const json_t *url;
    size_t i, n = json_array_size(urls);
    int r;

    if (n == 0 || n > CSR_NAMES_MAX)
        return -EBADMSG;
    order->authorizations = calloc(n, sizeof(Authorization *));
    if (!order->authorizations)
        return -ENOMEM;
    json_array_foreach (urls, i, url) {
        if (!json_is_string(url))
            return -EBADMSG;
        r = authorization_start(order->event, order->account, &order->log, order->challenge_fd,
                                json_string_value(url), on_authorization, order,
                                &order->authorizations[i]);
        if (r < 0)
            return r;
        order->n_authorizations++;
    }
    order->n_pending = n;
    return 0;
}

static void on_pending(Order *order, const SessionReply *reply)
{
    int r;

    if (order->authorizations) {
        /* All are valid; the CA has not noticed yet. */
        order_poll(order, reply->retry_after);
        return;
    }
    r = start_authorizations(order, json_object_get(reply->json, "authorizations"));
    if (r == -EBADMSG)
        order_fail_ca(
            order, 3600,
            "The CA gave an order without authorizations that make sense: try again later.");
    else if (r < 0)
        order_fail_memory(order);
}

/* RFC 8555 §7.1.6 */
static const struct {
    const char *status;
    void (*act)(Order *order, const SessionReply *reply);
} states[] = {
    { "pending", on_pending }, { "ready", on_ready },     { "processing", on_processing },
    { "valid", on_valid },     { "invalid", on_invalid },
};

static void on_order(const SessionReply *reply, void *userdata)
{
    Order *order = userdata;
    const char *status = json_string_value(json_object_get(reply->json, "status"));

    LOG_CONTEXT(&order->log);
    order->call = NULL;
    if (order_ask_again(order, reply, "working on the order"))
        return;
    if (reply->error < 0 || reply->status != 200 || !status) {
        order_fail_reply(order, reply, "working on the order");
        return;
    }
    for (size_t i = 0; i < ELEMENTSOF(states); i++)
        if (streq(states[i].status, status)) {
            states[i].act(order, reply);
            return;
        }
    order_fail_ca(order, 3600,
                  "The CA put the order into a state that acmems does not know: try again later.");
}

static void on_new_order(const SessionReply *reply, void *userdata)
{
    Order *order = userdata;
    const char *finalize = session_url(reply->json, "finalize");

    LOG_CONTEXT(&order->log);
    if (reply->error == 0 && (reply->status == 201 || reply->status == 200) && finalize &&
        reply->location && strncmp(reply->location, "https://", 8) == 0) {
        SessionReply seen = *reply;

        order->url = strdup(reply->location);
        order->finalize_url = strdup(finalize);
        if (order->url && order->finalize_url) {
            log_fields_add(&order->log, LOG_FIELD_ORDER, order->url);
            seen.status = 200;
            on_order(&seen, order);
            return;
        }
    }
    order->call = NULL;
    order_fail_reply(order, reply, "taking the order");
}

static json_t *identifiers(const Csr *csr)
{
    json_t *list = json_array();

    STRV_FOREACH (name, csr->names)
        if (json_array_append_new(list, json_pack("{ssss}", "type", "dns", "value", *name)) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static void on_account(const Failure *failure, void *userdata)
{
    json_auto_t *payload = NULL;
    Order *order = userdata;
    json_t *list;

    LOG_CONTEXT(&order->log);
    order->account_waiter = NULL;
    if (failure) {
        order_end(order, NULL, failure);
        return;
    }
    if (csr_has_key(order->csr, account_key(order->account))) {
        /* RFC 8555 §11.1 */
        order_fail(order, LOG_EVENT_ORDER_FAILED_HERE, 415, 0,
                   "The CSR is made with the server's own account key: make it with another key.");
        return;
    }
    list = identifiers(order->csr);
    payload = list ? json_pack("{so}", "identifiers", list) : NULL;
    if (!payload) {
        order_fail_memory(order);
        return;
    }
    order_post(order, &(SessionRequest){ .resource = "newOrder", .payload = payload },
               on_new_order);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Order *order = userdata;

    (void)source;
    (void)usec;
    LOG_CONTEXT(&order->log);
    if (order->url)
        order_fetch(order);
    else if (account_await(order->account, on_account, order, &order->account_waiter) < 0)
        order_fail_memory(order);
    return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    Order *order = userdata;
    Failure failure = order->trouble;

    (void)source;
    (void)usec;
    LOG_CONTEXT(&order->log);
    order->trouble = (Failure){ 0 };
    if (!failure.status)
        failure_set(&failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503, 60,
                    "The CA did not finish the order in time: try again later.");
    order_end(order, NULL, &failure);
    failure_done(&failure);
    return 0;
}

int order_start(Order *order, Account *account, order_cb callback, void *userdata)
{
    int r;

    order->account = account_ref(account);
    order->callback = callback;
    order->userdata = userdata;
    r = sd_event_add_time_relative(order->event, &order->deadline, CLOCK_MONOTONIC, ORDER_TIMEOUT,
                                   0, on_deadline, order);
    if (r < 0)
        return r;
    return sd_event_add_time_relative(order->event, &order->timer, CLOCK_MONOTONIC, 0,
                                      TIMER_ACCURACY, on_timer, order);
}

static char *join_sorted(char *const *names)
{
    _cleanup_strv_ char **sorted = NULL;

    STRV_FOREACH (name, names)
        if (strv_extend(&sorted, *name) < 0)
            return NULL;
    strv_sort(sorted);
    return strv_join(sorted, " ");
}

int order_new(sd_event *event, const OrderTarget *target, int challenge_fd, const void *body,
              size_t size, Csr **csr, Order **ret)
{
    _cleanup_(order_freep) Order *order = calloc(1, sizeof(*order));

    if (!order)
        return -ENOMEM;
    order->event = sd_event_ref(event);
    order->config = config_ref(target->config);
    order->storage = target->auth->storage;
    order->challenge_fd = challenge_fd;
    storage_key(body, size, order->key);
    order->body_size = size;
    order->body = malloc(size + 1);
    order->names = join_sorted((*csr)->names);
    if (!order->body || !order->names)
        return -ENOMEM;
    memcpy(order->body, body, size);
    order->csr = TAKE_PTR(*csr);
    log_fields_add(&order->log, LOG_FIELD_CSR, order->key);
    log_fields_add(&order->log, LOG_FIELD_AUTH, target->auth->name);
    log_fields_add_all(&order->log, LOG_FIELD_NAME, order->csr->names);
    *ret = TAKE_PTR(order);
    return 0;
}
