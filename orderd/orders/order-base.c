/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders/order-base.h"

#include "event/timer.h"
#include "limits/holds.h"
#include "limits/revoked-keys.h"
#include "log/log.h"
#include "x509/csr-extras.h"

/* When its CA has been unavailable for this long, an order starts again with the next account. */
#define MOVE_AFTER (30 * USEC_PER_SEC)

void order_drop_authorizations(Order *order)
{
    order->authorizations = authorizations_free(order->authorizations);
}

static OrderKind order_kind(const Order *order)
{
    if (order->record.asked == 0)
        return ORDER_KIND_PREFETCH;
    return order->is_renewal ? ORDER_KIND_RENEWAL : ORDER_KIND_NEW;
}

OrderContext order_context(const Order *order)
{
    return (OrderContext){
        .config = order->subject.config,
        .account = account_choice_block(&order->choice),
        .auth = order->subject.request.auth,
        .client = order->record.client,
        .is_charged = order->is_charged,
        .kind = order_kind(order),
        .names = order->subject.request.csr->names,
        .set = order->subject.names,
    };
}

Session *order_session(const Order *order)
{
    return account_session(order->choice.account);
}

bool order_schedule(Order *order, usec_t delay)
{
    if (timer_arm(order->timer, delay) >= 0)
        return true;
    order_fail_memory(order);
    return false;
}

void order_post(Order *order, const SessionRequest *request, session_cb callback)
{
    int r = session_post(order_session(order), request, callback, order, &order->call);

    if (r < 0)
        order_fail_request(order, r);
}

void order_fetch(Order *order)
{
    order_post(order, &(SessionRequest){ .url = order->record.url }, order->on_object);
}

void order_begin_again(Order *order)
{
    order_drop_authorizations(order);
    order->poll = (Poll){ 0 };
    order_restart_patience(order);
    order->is_resumed = order->is_moved = false;
    order->finalize_taken = false;
    order_record_forget_url(&order->record);
    (void)order_schedule(order, 0);
}

/* The number of held-back orders has no limit, so their entries have one. */
static bool has_entry(const Order *order, const Failure *failure)
{
    const Source source = source_parse(order->record.client);

    if (failure->event != LOG_EVENT_ORDER_HELD_BACK || !order->refusals ||
        order_kind(order) == ORDER_KIND_PREFETCH)
        return true;
    return refusals_pass(order->refusals, &source, now_monotonic());
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

static void order_note_failure(const Order *order, const Failure *failure)
{
    const OrderContext context = order_context(order);

    holds_note_failure(&context, failure);
}

/* Starts again with the next account. False: there is none. */
static bool order_move(Order *order, const Failure *failure)
{
    const AccountBlock *from = account_choice_block(&order->choice);
    _cleanup_log_fields_ LogFields fields = { 0 };

    if (!account_choice_next(&order->choice, failure))
        return false;
    log_fields_add(&fields, LOG_FIELD_REASON, failure->reason);
    log_fields_add(&fields, LOG_FIELD_PROBLEM, failure->problem);
    log_event(
        LOG_EVENT_ACCOUNT_PASSED_OVER, &fields,
        "The order for %s moves to [account \"%s\"] because [account \"%s\"] is not available: %s",
        order->subject.names, account_choice_block(&order->choice)->name, from->name,
        str_or(failure->reason, "out of memory"));
    order->backoff = (Backoff){ 0 };
    failure_done(&order->trouble);
    order_begin_again(order);
    return true;
}

/* The CA refused the CSR or its names, and its own words may name no reason. */
static void explain_refusal(const Order *order, Failure *failure)
{
    bool is_of_csr = failure->status == 415;
    bool is_of_names = failure->problem && streq(failure->problem, "rejectedIdentifier");
    _cleanup_free_ char *extras = NULL, *sentence = NULL;

    if ((!is_of_csr && !is_of_names) ||
        csr_extras_describe(order->subject.request.csr, !is_of_csr, &extras) < 0 || !extras)
        return;
    if (asprintf(&sentence, "The CSR has %s, which some CAs and profiles refuse: try one without.",
                 extras) < 0) {
        sentence = NULL;
        return;
    }
    failure_amend(failure, sentence);
}

void order_give_up(Order *order, Failure *failure)
{
    Outage *outage = account_choice_outage(&order->choice);

    order_drop_authorizations(order);
    order_note_failure(order, failure);
    if (!order->record.url && outage)
        outage_note(outage, failure);
    account_choice_amend(&order->choice, failure);
    explain_refusal(order, failure);
    if (order->record.url || !order_move(order, failure)) {
        account_choice_sum_up(&order->choice, failure);
        if (has_entry(order, failure))
            log_failed(order, failure);
        order_forget(order->subject.config->state_directory, order->subject.request.key);
        order->callback(order, NULL, failure, order->userdata);
    }
    failure_done(failure);
}

bool order_key_is_good(Order *order)
{
    const OrderSubject *subject = &order->subject;
    Failure failure = { 0 };

    if (revoked_keys_allow(subject->config->state_directory, subject->request.csr, &failure))
        return true;
    order_end_or_pause(order, &failure);
    return false;
}

void order_fail(Order *order, LogEvent event, int status, unsigned retry_after, const char *why)
{
    Failure failure = { 0 };

    failure_set(&failure, event, status, retry_after, "%s", why);
    order_give_up(order, &failure);
}

void order_fail_memory(Order *order)
{
    order_fail(order, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
               "The server is out of memory. Try again later.");
}

static bool order_is_expired(const Order *order)
{
    return time(NULL) >= order_record_expires(&order->record);
}

static void order_fail_expired(Order *order)
{
    order_fail(order, LOG_EVENT_ORDER_FAILED_AT_CA, 503, 60,
               "The order expired before the CA completed it. Try again.");
}

/* The time that the order has waited for the CA, by the wall clock, µs. */
static usec_t waited(const OrderRecord *record)
{
    time_t now = time(NULL);

    return record->waits_since > 0 && now > record->waits_since
               ? (usec_t)(now - record->waits_since) * USEC_PER_SEC
               : 0;
}

usec_t order_patience(Order *order)
{
    usec_t timeout = account_choice_block(&order->choice)->order_timeout * USEC_PER_SEC;
    time_t life = order_record_expires(&order->record) - time(NULL);
    usec_t lives = life > 0 ? (usec_t)life * USEC_PER_SEC : 0, now = now_monotonic(), left;

    if (order->waits_since == 0)
        order->waits_since = now - waited(&order->record);
    left = now - order->waits_since < timeout ? order->waits_since + timeout - now : 0;
    return timeout > 0 && left < lives ? left : lives;
}

void order_restart_patience(Order *order)
{
    order->waits_since = 0;
}

void order_log_not_stored(const Order *order, int error, const char *doing)
{
    const char *directory = str_or(order->subject.storage->directory, "");

    /* The sandbox has the directories that the configuration named when the service started. */
    log_event_errno(LOG_EVENT_CERTIFICATE_NOT_STORED, error, "Failed to %s for %s in '%s': %m%s",
                    doing, order->subject.names, directory,
                    error == -EROFS ? ". After a change of the directory, run systemctl "
                                      "daemon-reload && systemctl restart acmems-orderd"
                                    : "");
}

void order_fail_late(Order *order)
{
    if (order_is_expired(order)) {
        order_fail_expired(order);
        return;
    }
    order_fail(
        order, LOG_EVENT_ORDER_FAILED_AT_CA, 503, 60,
        "The CA did not complete the order in time (order-timeout in [account]). acmems gave "
        "it up. Try again: a new order is made.");
}

/* The clients cannot wait until the CA is back. But once the CSR was sent, the CA may have issued
 * the certificate, and the order stays. */
static bool is_to_be_moved(const Order *order, const Failure *failure, usec_t delay)
{
    return order->record.stage == ORDER_STAGE_PLACED &&
           !authorizations_have_failed(order->authorizations) &&
           account_choice_has_next(&order->choice, failure) &&
           now_monotonic() + delay > order->trouble_since + MOVE_AFTER;
}

/* Trouble of this machine ends when its administrator has fixed it. The order can wait for that. */
static usec_t patience_with(Order *order, const Failure *failure)
{
    return failure->event == LOG_EVENT_ORDER_FAILED_AT_CA ? order_patience(order) : UINT64_MAX;
}

void order_pause(Order *order, Failure *failure)
{
    usec_t delay = backoff_next(&order->backoff, failure->pause);
    usec_t left = patience_with(order, failure);
    bool moves;

    if (order_is_expired(order)) {
        order_give_up(order, failure);
        return;
    }
    if (left == 0) {
        failure_amend(failure, "The order took longer than order-timeout in [account], so acmems "
                               "gave it up.");
        order_give_up(order, failure);
        return;
    }
    if (delay > left)
        delay = left;
    order_note_failure(order, failure);
    if (order->trouble.status == 0)
        order->trouble_since = now_monotonic();
    moves = is_to_be_moved(order, failure, delay);
    order_drop_authorizations(order);
    if (moves && order_move(order, failure)) {
        failure_done(failure);
        return;
    }
    order->poll = (Poll){ 0 };
    failure_done(&order->trouble);
    order->trouble = *failure;
    *failure = (Failure){ 0 };
    if (order_schedule(order, delay))
        order->on_trouble(order, &order->trouble, order->userdata);
}

/* Whether the CA refused an account that the configuration has replaced, or that has a new key. */
static bool is_of_old_account(const Order *order, const Failure *failure)
{
    return failure->problem && failure->status == 500 && !account_choice_is_current(&order->choice);
}

void order_end_or_pause(Order *order, Failure *failure)
{
    if ((failure->passing && order->record.url) || is_of_old_account(order, failure)) {
        order_pause(order, failure);
        return;
    }
    order_give_up(order, failure);
}

void order_fail_ca(Order *order, unsigned retry_after, const char *why)
{
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503, retry_after, "%s", why);
    failure.passing = true;
    order_end_or_pause(order, &failure);
}

/* Whether the CA does not have the order. It may have dropped an order of an earlier run, or the
 * order may belong to another account or CA than those of the current configuration. Failures that
 * may pass do not show this. */
static bool is_unknown(const Order *order, const SessionReply *reply, const Failure *failure)
{
    return (order->is_resumed || order->is_moved) && !failure->passing && reply->error == 0 &&
           reply->status >= 400 && reply->status < 500 && account_choice_is_current(&order->choice);
}

void order_fail_reply(Order *order, const SessionReply *reply, const char *purpose)
{
    Failure failure = { 0 };

    failure_set_reply(&failure, reply, purpose);
    if (is_unknown(order, reply, &failure)) {
        failure_done(&failure);
        order_begin_again(order);
    } else
        order_end_or_pause(order, &failure);
}

void order_suspect_contact(const Order *order, RefusedStep step, const json_t *problem,
                           Failure *failure)
{
    account_suspect_contact(order->choice.account, step, problem, failure);
}

bool order_save(Order *order)
{
    int r = order_record_save(order->subject.config->state_directory, order->subject.request.key,
                              &order->record);
    Failure failure = { 0 };

    order->is_unsaved = r < 0;
    order->has_file |= r >= 0;
    if (r >= 0)
        return true;
    log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r, "Failed to write the order for %s to '%s': %m",
                    order->subject.names, order->subject.config->state_directory);
    failure_set(&failure, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
                "The server failed to write its state directory. The server's journal says why.");
    failure.passing = true;
    order_end_or_pause(order, &failure);
    return false;
}

void order_fail_request(Order *order, int error)
{
    log_error_errno(error, "Failed to send a request for %s to the CA: %m", order->subject.names);
    order_fail(order, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
               "The server failed to send a request to the CA. The server's journal says why.");
}
