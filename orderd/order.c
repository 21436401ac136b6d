/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "order.h"

#include <stdio.h>

#include "account-choice.h"
#include "asking.h"
#include "budget.h"
#include "cached.h"
#include "chain-fetch.h"
#include "chain-fields.h"
#include "kept-chain.h"
#include "log.h"
#include "order-object.h"
#include "polling.h"
#include "problem.h"
#include "profile.h"
#include "renewal-info.h"
#include "restraint.h"
#include "validation.h"

/* The CA's left hand may not know yet what its right one did; with polls further apart than this,
 * it never will. */
#define NOTICE_MAX USEC_PER_SEC
/* An order that the CA has is begun with another account, where there is one, when the CA has been
 * down for so long. */
#define MOVE_AFTER (30 * USEC_PER_SEC)

struct Order {
    sd_event *event;
    const Solvers *solvers;
    OrderSubject subject;
    OrderRecord record; /* as on disk, but while .is_unsaved */
    bool is_unsaved;
    bool is_resumed;                        /* from the disk, and the CA was not asked for it yet */
    bool is_moved;                          /* to another account, or another key of it */
    bool is_replacing, is_replaces_refused; /* see order_replaces() */
    bool is_charged; /* to its client: it may ask more than one CA, and again after a restart */

    AccountChoice choice;
    AccountWaiter *account_waiter;
    bool finalize_taken; /* the CA has the CSR */
    bool is_early;       /* it has not said that the order is ready for it */
    Renewal renewal;     /* of what was stored; .not_after 0: nothing was */
    Failure trouble;     /* why it goes on later only; .status 0: it goes on */
    usec_t trouble_since;
    Validation *validation;
    Failure end; /* why the CA ended the order, while its authorizations are asked for more */
    SessionCall *call;
    ChainFetch *chain_fetch;
    sd_event_source *timer; /* start, then polls and pauses */
    Poll poll;
    Backoff backoff;
    order_cb callback;
    order_trouble_cb on_trouble;
    void *userdata;
};

static void on_order(const SessionReply *reply, void *userdata);
static void order_begin_anew(Order *order);

OrderSubject *order_subject(Order *order)
{
    return &order->subject;
}

const Renewal *order_renewal(const Order *order)
{
    return order->renewal.not_after > 0 ? &order->renewal : NULL;
}

bool order_set_waiting(const Order *order, Failure *ret)
{
    return validation_set_waiting(order->validation, ret);
}

void order_add_asker(Order *order, const OrderAsker *asker)
{
    if (!asker->is_prefetch)
        order->record.asked = time(NULL);
    order_subject_add_client(&order->subject, asker->request_id, asker->client);
}

static void drop_validation(Order *order)
{
    order->validation = validation_free(order->validation);
}

Order *order_free(Order *order)
{
    if (!order)
        return NULL;
    drop_validation(order);
    account_waiter_cancel(order->account_waiter);
    session_call_cancel(order->call);
    chain_fetch_cancel(order->chain_fetch);
    sd_event_source_disable_unref(order->timer);
    sd_event_unref(order->event);
    order_record_done(&order->record);
    failure_done(&order->end);
    failure_done(&order->trouble);
    account_choice_done(&order->choice);
    order_subject_done(&order->subject);
    free(order);
    return NULL;
}

void order_forget(const char *state_directory, const char *key)
{
    int r = order_record_remove(state_directory, key);

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r, "The file of order %s in '%s' stays: %m",
                        key, state_directory);
}

static void log_failed(const Order *order, const Failure *failure)
{
    const char *reason = str_or(failure->reason, "out of memory");
    _cleanup_log_fields_ LogFields fields = { 0 };

    log_fields_add(&fields, LOG_FIELD_REASON, reason);
    log_fields_add_status(&fields, failure->status);
    log_fields_add(&fields, LOG_FIELD_PROBLEM, failure->problem);
    log_event(failure->event, &fields, "No certificate for %s: %s", order->subject.names, reason);
}

static Asking order_asking(const Order *order)
{
    return (Asking){
        .config = order->subject.config,
        .account = account_choice_block(&order->choice),
        .auth = order->subject.auth,
        .client = order->is_charged ? NULL : order->record.client,
        .is_spare = order->record.asked == 0,
        .names = order->subject.csr->names,
        .set = order->subject.names,
    };
}

static void order_note_failure(const Order *order, const Failure *failure)
{
    const Asking asking = order_asking(order);

    restraint_note_failure(&asking, failure);
}

/* Tells why the CA at hand did not serve, and begins with the next account. */
static bool order_move(Order *order, const Failure *failure)
{
    const AccountBlock *from = account_choice_block(&order->choice);
    _cleanup_log_fields_ LogFields fields = { 0 };

    if (!account_choice_next(&order->choice, failure))
        return false;
    log_fields_add(&fields, LOG_FIELD_REASON, failure->reason);
    log_fields_add(&fields, LOG_FIELD_PROBLEM, failure->problem);
    log_event(LOG_EVENT_ACCOUNT_PASSED_OVER, &fields,
              "The order for %s goes to [account \"%s\"], as [account \"%s\"] does not serve: %s",
              order->subject.names, account_choice_block(&order->choice)->name, from->name,
              str_or(failure->reason, "out of memory"));
    order->backoff = (Backoff){ 0 };
    failure_done(&order->trouble);
    order_begin_anew(order);
    return true;
}

/* What follows ends the order. The callback frees it: nothing touches it afterwards. */

static void order_succeed(Order *order, const Chain *chain)
{
    drop_validation(order);
    if (order->record.stage != ORDER_STAGE_ISSUED)
        order_forget(order->subject.config->state_directory, order->subject.key);
    order->callback(order, chain, NULL, order->userdata);
}

/* Takes the failure over. Before the CA knows of an order there is nothing to lose: another CA may
 * do it. */
static void order_give_up(Order *order, Failure *failure)
{
    Outage *outage = account_choice_outage(&order->choice);

    drop_validation(order);
    order_note_failure(order, failure);
    if (!order->record.url && outage)
        outage_note(outage, failure);
    account_choice_amend(&order->choice, failure);
    if (order->record.url || !order_move(order, failure)) {
        account_choice_sum_up(&order->choice, failure);
        log_failed(order, failure);
        order_forget(order->subject.config->state_directory, order->subject.key);
        order->callback(order, NULL, failure, order->userdata);
    }
    failure_done(failure);
}

static void order_fail(Order *order, LogEvent event, int status, unsigned retry_after,
                       const char *why)
{
    Failure failure = { 0 };

    failure_set(&failure, event, status, retry_after, "%s", why);
    order_give_up(order, &failure);
}

static void order_fail_memory(Order *order)
{
    order_fail(order, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
               "The server is out of memory: try again later.");
}

static void order_schedule(Order *order, usec_t delay)
{
    if (sd_event_source_set_time_relative(order->timer, delay) < 0 ||
        sd_event_source_set_enabled(order->timer, SD_EVENT_ONESHOT) < 0)
        order_fail_memory(order);
}

static bool is_expired(const Order *order)
{
    return time(NULL) >= order_record_expires(&order->record);
}

static void order_fail_expired(Order *order)
{
    order_fail(order, LOG_EVENT_ORDER_FAILED_AT_CA, 503, 60,
               "The CA did not finish the order before it expired: try again.");
}

/* Those who wait for a certificate cannot wait until the CA is back. One that it may have issued is
 * not given up. */
static bool order_is_better_moved(const Order *order, const Failure *failure, usec_t delay)
{
    return order->record.stage == ORDER_STAGE_PLACED && !validation_has_failed(order->validation) &&
           account_choice_has_next(&order->choice, failure) &&
           now_monotonic() + delay > order->trouble_since + MOVE_AFTER;
}

/* The CA has the order, or may have made a certificate of it: what goes wrong now and may be right
 * later ends nothing. Takes the failure over. */
static void order_pause(Order *order, Failure *failure)
{
    usec_t delay = backoff_next(&order->backoff, failure->pause);
    bool is_better_moved;

    if (is_expired(order)) {
        order_give_up(order, failure);
        return;
    }
    order_note_failure(order, failure);
    if (order->trouble.status == 0)
        order->trouble_since = now_monotonic();
    is_better_moved = order_is_better_moved(order, failure, delay);
    drop_validation(order);
    if (is_better_moved && order_move(order, failure)) {
        failure_done(failure);
        return;
    }
    order->poll = (Poll){ 0 };
    failure_done(&order->trouble);
    order->trouble = *failure;
    *failure = (Failure){ 0 };
    order_schedule(order, delay);
    order->on_trouble(order, &order->trouble, order->userdata);
}

/* What the CA refuses is the account, and that has another key by now, or is another one. */
static bool is_of_old_account(const Order *order, const Failure *failure)
{
    return failure->problem && failure->status == 500 && !account_choice_is_current(&order->choice);
}

static void order_end_or_pause(Order *order, Failure *failure)
{
    if ((failure->passing && order->record.url) || is_of_old_account(order, failure)) {
        order_pause(order, failure);
        return;
    }
    order_give_up(order, failure);
}

/* What the CA said makes no sense: it may do the next time. */
static void order_fail_ca(Order *order, unsigned retry_after, const char *why)
{
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503, retry_after, "%s", why);
    failure.passing = true;
    order_end_or_pause(order, &failure);
}

static void order_fail_reply(Order *order, const SessionReply *reply, const char *doing)
{
    Failure failure = { 0 };

    failure_set_reply(&failure, reply, doing);
    order_end_or_pause(order, &failure);
}

/* Writes down what comes next. False: it must not be done, since nobody would know of it; the order
 * has ended or waits until the disk is mended. */
static bool order_save(Order *order)
{
    int r = order_record_save(order->subject.config->state_directory, order->subject.key,
                              &order->record);
    Failure failure = { 0 };

    order->is_unsaved = r < 0;
    if (r >= 0)
        return true;
    log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                    "The order for %s cannot be written to '%s': %m", order->subject.names,
                    order->subject.config->state_directory);
    failure_set(&failure, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
                "The server cannot write its state directory: its journal says why.");
    failure.passing = true;
    order_end_or_pause(order, &failure);
    return false;
}

static Session *order_session(const Order *order)
{
    return account_session(order->choice.account);
}

static void order_fail_request(Order *order, int error)
{
    log_error_errno(error, "Request to the CA for %s cannot be made: %m", order->subject.names);
    order_fail(order, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
               "The server cannot make a request to the CA: its journal says why.");
}

static void order_post(Order *order, const SessionRequest *request, session_cb callback)
{
    int r = session_post(order_session(order), request, callback, order, &order->call);

    if (r < 0)
        order_fail_request(order, r);
}

static void order_fetch(Order *order)
{
    order_post(order, &(SessionRequest){ .url = order->record.url }, on_order);
}

static void order_poll(Order *order, unsigned retry_after)
{
    if (is_expired(order)) {
        order_fail_expired(order);
        return;
    }
    order_schedule(order, poll_next(&order->poll, retry_after));
}

/* The CA shows a state that it was past already. Should that last, the order was put back, and goes
 * on from there. */
static void order_await_notice(Order *order, const SessionReply *reply)
{
    if (order->poll.delay < NOTICE_MAX) {
        order_poll(order, reply->retry_after);
        return;
    }
    order->finalize_taken = false;
    order_fail_ca(order, 60, "The CA put the order back to a state of before: try again later.");
}

static void log_issued(const Order *order, const Chain *chain)
{
    _cleanup_log_fields_ LogFields fields = { 0 };

    chain_add_fields(chain, &fields);
    log_event(LOG_EVENT_CERTIFICATE_ISSUED, &fields,
              "Certificate issued for %s: serial %s, until %s, order %s", order->subject.names,
              str_or(log_fields_get(&fields, LOG_FIELD_SERIAL), "?"),
              str_or(log_fields_get(&fields, LOG_FIELD_NOT_AFTER), "?"),
              str_or(order->record.url, "?"));
}

/* Keeps the chain where the storage does not: a request that comes within a day gets it. */
static bool order_keep(Order *order, const Chain *chain)
{
    if (kept_chain_put(&order->record, chain) >= 0)
        return order_save(order);
    order_fail_memory(order);
    return false;
}

/* Whether it is where it outlives this process. */
static bool order_store(Order *order, const Chain *chain)
{
    const OrderRecord *record = &order->record;
    const Storage *storage = order->subject.storage;
    CachedFrom from = { record->server, record->account, record->auth, record->asked };
    int r;

    if (storage->type == STORAGE_NONE)
        return order_keep(order, chain);
    r = cached_store(storage, record->body, record->body_size, chain, &from, &order->renewal);
    if (r >= 0)
        return true;
    log_event_errno(LOG_EVENT_CERTIFICATE_NOT_STORED, r,
                    "The certificate for %s was not stored in '%s': %m", order->subject.names,
                    storage->directory);
    return order_keep(order, chain);
}

static void order_finish(Order *order, const Chain *chain)
{
    const Asking asking = order_asking(order);

    if (!order_store(order, chain))
        return;
    log_issued(order, chain);
    budget_note_certificate(&asking);
    order_succeed(order, chain);
}

static void on_chain(const Chain *chain, Failure *failure, void *userdata)
{
    Order *order = userdata;

    LOG_CONTEXT(&order->subject.log);
    order->chain_fetch = NULL;
    if (chain)
        order_finish(order, chain);
    else
        order_end_or_pause(order, failure);
}

static void order_fetch_chain(Order *order, const char *url)
{
    const ChainWish wish = {
        .csr = order->subject.csr,
        .names = order->subject.names,
        .common_name = account_choice_block(&order->choice)->preferred_chain,
        .log = &order->subject.log,
    };
    int r =
        chain_fetch_start(order_session(order), &wish, url, on_chain, order, &order->chain_fetch);

    if (r < 0)
        order_fail_request(order, r);
}

static bool problem_is(const SessionReply *reply, const char *type)
{
    return reply->problem && streq(problem_type(reply->problem), type);
}

static void on_finalized(const SessionReply *reply, void *userdata)
{
    Order *order = userdata;
    Failure failure = { 0 };

    LOG_CONTEXT(&order->subject.log);
    if (order->is_early && problem_is(reply, "orderNotReady")) {
        order->call = NULL;
        order_fetch(order);
        return;
    }
    if (problem_is(reply, "unauthorized") && account_choice_is_current(&order->choice)) {
        order->call = NULL;
        order_object_set_names_missing(reply->problem, &failure);
        order_give_up(order, &failure);
        return;
    }
    if (reply->error == 0 && reply->status == 200) {
        order->finalize_taken = true;
        order->poll = (Poll){ 0 };
    }
    on_order(reply, order);
}

/* @is_early: the CA has not said that the order is ready. */
static void order_finalize(Order *order, bool is_early)
{
    json_auto_t *payload = NULL;

    if (!order->record.finalize_url) {
        order_fail_ca(order, 60,
                      "The CA does not say where its order is finalised: try again later.");
        return;
    }
    payload = order_object_finalize(order->subject.csr);
    if (!payload) {
        order_fail_memory(order);
        return;
    }
    order->is_early = is_early;
    order->record.stage = ORDER_STAGE_FINALIZING;
    if (order_save(order))
        order_post(order,
                   &(SessionRequest){ .url = order->record.finalize_url, .payload = payload },
                   on_finalized);
}

/* RFC 8555 §7.1.6: a ready order is finalised, again where the first time did not arrive. One that
 * the CA took is not: it has not noticed yet. */
static void on_ready(Order *order, const SessionReply *reply)
{
    if (order->finalize_taken)
        order_await_notice(order, reply);
    else
        order_finalize(order, false);
}

static void on_processing(Order *order, const SessionReply *reply)
{
    /* What was wrong is past. In other states the step that comes next may fail as it did before,
     * and is tried less and less often. */
    order->backoff = (Backoff){ 0 };
    order_poll(order, reply->retry_after);
}

static void on_valid(Order *order, const SessionReply *reply)
{
    const char *url = session_url(reply->json, "certificate");

    if (url)
        order_fetch_chain(order, url);
    else
        order_fail_ca(
            order, 60,
            "The CA says the certificate is issued but not where it is: try again later.");
}

/* @solvers: as of AuthorizationTask. */
static int start_validation(Order *order, const json_t *urls, const Solvers *solvers,
                            validation_cb callback)
{
    const AuthorizationTask task = {
        .account = order->choice.account,
        .config = order->subject.config,
        .auth = order->subject.auth,
        .solvers = solvers,
        .log = &order->subject.log,
    };
    const Asking asking = order_asking(order);

    return validation_start(order->event, &task, &asking, urls, callback, order,
                            &order->validation);
}

static void order_end(Order *order)
{
    Failure end = order->end;

    order->end = (Failure){ 0 };
    order_give_up(order, &end);
}

static void on_asked_why(Failure *failure, void *userdata)
{
    Order *order = userdata;

    LOG_CONTEXT(&order->subject.log);
    if (failure)
        order_give_up(order, failure);
    else
        order_end(order);
}

/* What became invalid while nobody looked, as in a restart, did so for a name: that has to wait as
 * any other that fails. */
static bool order_ask_why(Order *order, const json_t *urls)
{
    return !order->validation && order->record.stage == ORDER_STAGE_PLACED &&
           start_validation(order, urls, NULL, on_asked_why) >= 0;
}

static void on_invalid(Order *order, const SessionReply *reply)
{
    /* A challenge that was answered with the old key cannot be met with the new one. */
    if (order->is_moved) {
        order_begin_anew(order);
        return;
    }
    order_object_set_end(reply->json, reply->retry_after, &order->end);
    if (!order_ask_why(order, json_object_get(reply->json, "authorizations")))
        order_end(order);
}

static void on_validated(Failure *failure, void *userdata)
{
    Order *order = userdata;

    LOG_CONTEXT(&order->subject.log);
    if (failure) {
        order_end_or_pause(order, failure);
        return;
    }
    order->poll = (Poll){ 0 };
    (void)sd_event_source_set_enabled(order->timer, SD_EVENT_OFF);
    /* RFC 8555 §7.1.6: it is ready then. Where the CA has not noticed yet it says so (§7.4), and is
     * asked for the order. */
    order_finalize(order, true);
}

static void on_pending(Order *order, const SessionReply *reply)
{
    int r;

    if (order->validation) {
        /* All are valid; the CA has not noticed yet. */
        order_await_notice(order, reply);
        return;
    }
    if (is_expired(order)) {
        order_fail_expired(order);
        return;
    }
    r = start_validation(order, json_object_get(reply->json, "authorizations"), order->solvers,
                         on_validated);
    if (r == -EBADMSG)
        order_fail_ca(
            order, 3600,
            "The CA gave an order without authorizations that make sense: try again later.");
    else if (r < 0)
        order_fail_memory(order);
    else
        /* They have no deadline of their own. */
        order_schedule(order,
                       (usec_t)(order_record_expires(&order->record) - time(NULL)) * USEC_PER_SEC);
}

/* What was left behind may have gone from the CA meanwhile: dropped, or made with another account
 * or CA than those of today. What may pass is no sign of it. */
static bool order_is_unknown(const Order *order, const SessionReply *reply, const Failure *failure)
{
    return (order->is_resumed || order->is_moved) && !failure->passing && reply->error == 0 &&
           reply->status >= 400 && reply->status < 500 && account_choice_is_current(&order->choice);
}

static void order_begin_anew(Order *order)
{
    drop_validation(order);
    order->poll = (Poll){ 0 };
    order->is_resumed = order->is_moved = false;
    order->finalize_taken = false;
    order_record_forget_url(&order->record);
    order_schedule(order, 0);
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
    Failure failure = { 0 };

    LOG_CONTEXT(&order->subject.log);
    order->call = NULL;
    if (reply->error < 0 || reply->status != 200 || !status) {
        failure_set_reply(&failure, reply, "working on the order");
        if (!order_is_unknown(order, reply, &failure)) {
            order_end_or_pause(order, &failure);
            return;
        }
        failure_done(&failure);
        order_begin_anew(order);
        return;
    }
    if (order_object_note(reply->json, &order->record) < 0) {
        order_fail_memory(order);
        return;
    }
    order->is_resumed = false;
    failure_done(&order->trouble);
    for (size_t i = 0; i < ELEMENTSOF(states); i++)
        if (streq(states[i].status, status)) {
            states[i].act(order, reply);
            return;
        }
    order_fail_ca(order, 3600,
                  "The CA put the order into a state that acmems does not know: try again later.");
}

static void order_send(Order *order);

static void on_new_order(const SessionReply *reply, void *userdata)
{
    Order *order = userdata;
    OrderRecord *record = &order->record;
    SessionReply seen = *reply;

    LOG_CONTEXT(&order->subject.log);
    order->call = NULL;
    /* Once more without it shows. */
    if (order->is_replacing && order_object_may_be_for_replaces(reply)) {
        order->is_replaces_refused = true;
        order_send(order);
        return;
    }
    if (!order_object_is_made(reply)) {
        order_fail_reply(order, reply, "taking the order");
        return;
    }
    record->url = strdup(reply->location);
    if (!record->url || order_object_note(reply->json, record) < 0) {
        order_fail_memory(order);
        return;
    }
    record->stage = ORDER_STAGE_PLACED;
    log_fields_add(&order->subject.log, LOG_FIELD_ORDER, record->url);
    outage_end(account_choice_outage(&order->choice));
    if (!order_save(order))
        return;
    if (!record->finalize_url) {
        order_fetch(order);
        return;
    }
    seen.status = 200;
    on_order(&seen, order);
}

/* Nothing is ordered whose result could not be kept. */
static bool order_prepare(Order *order)
{
    int r = storage_prepare(order->subject.storage, order->record.body, order->record.body_size);

    if (r >= 0)
        return true;
    log_event_errno(LOG_EVENT_CERTIFICATE_NOT_STORED, r, "Nothing can be stored in '%s': %m",
                    str_or(order->subject.storage->directory, ""));
    order_fail(order, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
               "The server cannot write its certificate storage: its journal says why.");
    return false;
}

/* Before the account is seen to, for which the CA may be asked too. False: the order has ended. */
static bool order_may_begin(Order *order)
{
    const Outage *outage = account_choice_outage(&order->choice);
    const Asking asking = order_asking(order);
    Failure failure = { 0 };

    /* What no verification can be for is not ordered first and refused then. */
    if (solver_serves(order->subject.auth, order->subject.csr, &failure) &&
        !(outage && outage_holds(outage, &failure)) && restraint_allows(&asking, &failure))
        return true;
    order_give_up(order, &failure);
    return false;
}

/* At the last moment: others may have used it up while the account was seen to. */
static bool order_is_in_budget(Order *order)
{
    const Asking asking = order_asking(order);
    Failure failure = { 0 };

    if (budget_allows(&asking, &failure))
        return true;
    order_give_up(order, &failure);
    return false;
}

/* The certificate that is renewed by this, if the CA cares (RFC 9773 §5); NULL: none. */
static char *order_replaces(const Order *order)
{
    const json_t *directory = session_last_directory(order_session(order));

    if (order->is_replaces_refused || !renewal_info_is_offered(directory) ||
        order->subject.storage->type == STORAGE_NONE)
        return NULL;
    return cached_renewal_id(order->subject.storage, order->subject.key,
                             account_choice_block(&order->choice)->server);
}

static void order_send(Order *order)
{
    _cleanup_free_ char *replaces = order_replaces(order);
    json_auto_t *payload =
        order_object_new(order->subject.csr, account_choice_profile(&order->choice), replaces);

    order->is_replacing = replaces;
    if (payload)
        order_post(order, &(SessionRequest){ .resource = "newOrder", .payload = payload },
                   on_new_order);
    else
        order_fail_memory(order);
}

static void order_request(Order *order)
{
    const AccountBlock *block = account_choice_block(&order->choice);
    const Asking asking = order_asking(order);

    if (order_record_set_account(&order->record, block->name, block->server) < 0) {
        order_fail_memory(order);
        return;
    }
    order->record.stage = ORDER_STAGE_NEW;
    if (!order_is_in_budget(order) || !order_prepare(order) || !order_save(order))
        return;
    budget_note_order(&asking);
    order->is_charged = true;
    order_send(order);
}

static void on_directory(const SessionReply *reply, void *userdata)
{
    Order *order = userdata;
    const char *profile = account_choice_profile(&order->choice);
    Failure failure = { 0 };

    LOG_CONTEXT(&order->subject.log);
    order->call = NULL;
    if (reply->error < 0) {
        order_fail_reply(order, reply, "showing its directory");
        return;
    }
    if (!profile || profile_is_offered(reply->json, profile)) {
        order_request(order);
        return;
    }
    profile_set_failure(&failure, reply->json, profile);
    order_give_up(order, &failure);
}

/* What the CA offers counts. A profile that it did not when it was last seen it may by now. */
static void order_place(Order *order)
{
    Session *session = order_session(order);
    const json_t *directory = session_last_directory(session);
    const char *profile = account_choice_profile(&order->choice);

    if (directory && (!profile || profile_is_offered(directory, profile)))
        order_request(order);
    else if (session_directory(session, on_directory, order, &order->call) < 0)
        order_fail_memory(order);
}

static void on_account(const Failure *failure, void *userdata)
{
    Order *order = userdata;

    LOG_CONTEXT(&order->subject.log);
    order->account_waiter = NULL;
    if (failure) {
        Failure copy = { 0 };

        failure_copy(&copy, failure);
        /* While the account cannot be used the CA's order is out of reach, not gone. Without one
         * it will be so for ever. */
        if (order->record.url && !failure->is_without_account)
            order_pause(order, &copy);
        else
            order_give_up(order, &copy);
    } else if (order->record.url)
        order_fetch(order);
    else if (csr_has_key(order->subject.csr, account_key(order->choice.account)))
        /* RFC 8555 §11.1 */
        order_fail(order, LOG_EVENT_ORDER_FAILED_HERE, 415, 0,
                   "The CSR is made with the server's own account key: make it with another key.");
    else
        order_place(order);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Order *order = userdata;
    int r;

    (void)source;
    (void)usec;
    LOG_CONTEXT(&order->subject.log);
    if (validation_is_pending(order->validation)) {
        order_fail_expired(order);
        return 0;
    }
    if (order->is_unsaved && !order_save(order))
        return 0;
    if (!order->record.url && !order_may_begin(order))
        return 0;
    /* It may have another key by now, or be another one. */
    r = account_choice_open(&order->choice);
    order->is_moved |= r > 0;
    if (r < 0 ||
        account_await(order->choice.account, on_account, order, &order->account_waiter) < 0)
        order_fail_memory(order);
    return 0;
}

int order_start(Order *order, Accounts *accounts, order_cb callback, order_trouble_cb on_trouble,
                void *userdata)
{
    order->choice.accounts = accounts;
    order->callback = callback;
    order->on_trouble = on_trouble;
    order->userdata = userdata;
    return sd_event_add_time_relative(order->event, &order->timer, CLOCK_MONOTONIC, 0,
                                      TIMER_ACCURACY, on_timer, order);
}

const Failure *order_trouble(const Order *order)
{
    return order->trouble.status ? &order->trouble : NULL;
}

/* What an order is, whether it is new or resumed. */
static int describe(Order *order, sd_event *event, const OrderTarget *target,
                    const Solvers *solvers, Csr **csr)
{
    const OrderRecord *record = &order->record;

    order->event = sd_event_ref(event);
    order->solvers = solvers;
    order->choice.config = target->config;
    order->choice.auth = target->auth;
    return order_subject_init(&order->subject, target, record->body, record->body_size, csr);
}

int order_new(sd_event *event, const OrderTarget *target, const Solvers *solvers,
              const OrderAsker *asker, const void *body, size_t size, Csr **csr, Order **ret)
{
    _cleanup_(order_freep) Order *order = calloc(1, sizeof(*order));
    int r;

    if (!order)
        return -ENOMEM;
    r = order_record_init(&order->record, target->auth->name, asker->request_id, asker->client,
                          body, size);
    if (r >= 0)
        r = describe(order, event, target, solvers, csr);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(order);
    return 0;
}

int order_resume(sd_event *event, const OrderTarget *target, const Solvers *solvers,
                 OrderRecord *record, Csr **csr, Order **ret)
{
    _cleanup_(order_freep) Order *order = calloc(1, sizeof(*order));
    int r;

    if (!order)
        return -ENOMEM;
    order->record = *record;
    *record = (OrderRecord){ 0 };
    order->is_resumed = order->is_charged = true;
    r = describe(order, event, target, solvers, csr);
    if (r < 0)
        return r;
    /* What the CA of another account has is out of reach for good. */
    if (!account_choice_find(&order->choice, order->record.account, order->record.server))
        order_record_forget_url(&order->record);
    order_subject_add_client(&order->subject, order->record.request_id, order->record.client);
    log_fields_add(&order->subject.log, LOG_FIELD_ORDER, order->record.url);
    *ret = TAKE_PTR(order);
    return 0;
}

bool order_is_kept_nowhere_else(const Order *order)
{
    return order->record.stage == ORDER_STAGE_ISSUED &&
           order->subject.storage->type == STORAGE_NONE;
}
