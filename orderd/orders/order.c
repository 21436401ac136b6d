/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An order's states at the CA (RFC 8555 §7.1.6), its beginning and its end. */

#include "orders/order.h"

#include "libacme/transport/timer.h"
#include "log/log.h"
#include "orders/order-base.h"
#include "orders/order-finish.h"
#include "orders/order-object.h"
#include "orders/order-place.h"

/* The CA's left hand may not know yet what its right one did; with polls further apart than this,
 * it never will. */
#define NOTICE_MAX USEC_PER_SEC

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
    return authorizations_set_waiting(order->authorizations, ret);
}

void order_add_caller(Order *order, const OrderCaller *caller)
{
    if (!caller->is_prefetch)
        order->record.asked = time(NULL);
    order_subject_add_client(&order->subject, caller->request_id, caller->client);
}

Order *order_free(Order *order)
{
    if (!order)
        return NULL;
    order_drop_authorizations(order);
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

static void ask_again(Order *order, unsigned retry_after)
{
    if (order_is_expired(order)) {
        order_fail_expired(order);
        return;
    }
    (void)order_schedule(order, poll_next(&order->poll, retry_after));
}

/* The CA shows a state that it was past already. Should that last, the order was put back, and goes
 * on from there. */
static void await_notice(Order *order, const SessionReply *reply)
{
    if (order->poll.delay < NOTICE_MAX) {
        ask_again(order, reply->retry_after);
        return;
    }
    order->finalize_taken = false;
    order_fail_ca(order, 60, "The CA put the order back to a state of before: try again later.");
}

/* RFC 8555 §7.1.6: a ready order is finalised, again where the first time did not arrive. One that
 * the CA took is not: it has not noticed yet. */
static void on_ready(Order *order, const SessionReply *reply)
{
    if (order->finalize_taken)
        await_notice(order, reply);
    else
        order_finalize(order, false);
}

static void on_processing(Order *order, const SessionReply *reply)
{
    /* What was wrong is past. In other states the step that comes next may fail as it did before,
     * and is tried less and less often. */
    order->backoff = (Backoff){ 0 };
    ask_again(order, reply->retry_after);
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
static int start_authorizations(Order *order, const json_t *urls, const Solvers *solvers,
                                authorizations_cb callback)
{
    const AuthorizationTask task = {
        .account = order->choice.account,
        .config = order->subject.config,
        .auth = order->subject.request.auth,
        .solvers = solvers,
        .log = &order->subject.log,
    };
    const OrderContext context = order_context(order);

    return authorizations_start(order->event, &task, &context, urls, callback, order,
                                &order->authorizations);
}

static void end_at_ca(Order *order)
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
        end_at_ca(order);
}

/* What became invalid while nobody looked, as in a restart, did so for a name: that has to wait as
 * any other that fails. */
static bool ask_why(Order *order, const json_t *urls)
{
    return !order->authorizations && order->record.stage == ORDER_STAGE_PLACED &&
           start_authorizations(order, urls, NULL, on_asked_why) >= 0;
}

static void on_invalid(Order *order, const SessionReply *reply)
{
    /* A challenge that was answered with the old key cannot be met with the new one. */
    if (order->is_moved) {
        order_begin_again(order);
        return;
    }
    order_object_set_end(reply->json, reply->retry_after, &order->end);
    if (!ask_why(order, json_object_get(reply->json, "authorizations")))
        end_at_ca(order);
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
    (void)timer_disarm(order->timer);
    /* RFC 8555 §7.1.6: it is ready then. Where the CA has not noticed yet it says so (§7.4), and is
     * asked for the order. */
    order_finalize(order, true);
}

static void on_pending(Order *order, const SessionReply *reply)
{
    int r;

    if (order->authorizations) {
        /* All are valid; the CA has not noticed yet. */
        await_notice(order, reply);
        return;
    }
    if (order_is_expired(order)) {
        order_fail_expired(order);
        return;
    }
    r = start_authorizations(order, json_object_get(reply->json, "authorizations"), order->solvers,
                             on_validated);
    if (r == -EBADMSG)
        order_fail_ca(
            order, 3600,
            "The CA gave an order without authorizations that make sense: try again later.");
    else if (r < 0)
        order_fail_memory(order);
    else
        /* They have no deadline of their own. */
        (void)order_schedule(order, (usec_t)(order_record_expires(&order->record) - time(NULL)) *
                                        USEC_PER_SEC);
}

/* What was left behind may have gone from the CA meanwhile: dropped, or made with another account
 * or CA than those of today. What may pass is no sign of it. */
static bool is_unknown(const Order *order, const SessionReply *reply, const Failure *failure)
{
    return (order->is_resumed || order->is_moved) && !failure->passing && reply->error == 0 &&
           reply->status >= 400 && reply->status < 500 && account_choice_is_current(&order->choice);
}

/* RFC 8555 §7.1.6 */
static const struct {
    const char *status;
    void (*act)(Order *order, const SessionReply *reply);
} states[] = {
    { "pending", on_pending }, { "ready", on_ready },     { "processing", on_processing },
    { "valid", on_valid },     { "invalid", on_invalid },
};

static void order_on_object(const SessionReply *reply, void *userdata)
{
    Order *order = userdata;
    const char *status = json_string_value(json_object_get(reply->json, "status"));
    Failure failure = { 0 };

    LOG_CONTEXT(&order->subject.log);
    order->call = NULL;
    if (reply->error < 0 || reply->status != 200 || !status) {
        failure_set_reply(&failure, reply, "working on the order");
        if (!is_unknown(order, reply, &failure)) {
            order_end_or_pause(order, &failure);
            return;
        }
        failure_done(&failure);
        order_begin_again(order);
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
    else if (csr_has_key(order->subject.request.csr, account_key(order->choice.account)))
        /* RFC 8555 §11.1 */
        order_fail(order, LOG_EVENT_ORDER_FAILED_HERE, 415, 0,
                   "The CSR is made with the server's own account key: make it with another key.");
    else
        order_place(order);
}

static int order_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Order *order = userdata;
    int r;

    (void)source;
    (void)usec;
    LOG_CONTEXT(&order->subject.log);
    if (authorizations_are_pending(order->authorizations)) {
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
    return timer_start(order->event, 0, order_on_timer, order, &order->timer);
}

const Failure *order_trouble(const Order *order)
{
    return order->trouble.status ? &order->trouble : NULL;
}

/* What new and resumed orders have in common. */
static int order_describe(Order *order, const OrderSetup *setup, SignRequest *request)
{
    order->event = sd_event_ref(setup->event);
    order->solvers = setup->solvers;
    order->on_object = order_on_object;
    order->choice.config = setup->config;
    order->choice.auth = request->auth;
    return order_subject_init(&order->subject, setup->config, request, order->record.body);
}

int order_new(const OrderSetup *setup, SignRequest *request, const OrderCaller *caller, Order **ret)
{
    _cleanup_(order_freep) Order *order = calloc(1, sizeof(*order));
    int r;

    if (!order)
        return -ENOMEM;
    r = order_record_init(&order->record, request, caller->request_id, caller->client);
    if (r >= 0)
        r = order_describe(order, setup, request);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(order);
    return 0;
}

int order_resume(const OrderSetup *setup, SignRequest *request, OrderRecord *record, Order **ret)
{
    _cleanup_(order_freep) Order *order = calloc(1, sizeof(*order));
    int r;

    if (!order)
        return -ENOMEM;
    order->record = *record;
    *record = (OrderRecord){ 0 };
    order->is_resumed = order->is_charged = true;
    r = order_describe(order, setup, request);
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
