/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An order's states at the CA (RFC 8555 §7.1.6), its beginning and its end. */

#include "orders/order.h"

#include "event/timer.h"
#include "log/log.h"
#include "orders/order-base.h"
#include "orders/order-finish.h"
#include "orders/order-object.h"
#include "orders/order-place.h"

/* The parts of a CA may notice a change at different times. When polls are further apart than this,
 * all parts should have noticed it. */
#define NOTICE_MAX USEC_PER_SEC

/* The shortest time that clients are told to wait, s. */
#define RETRY_SOON 60U

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

/* The time until the order object is fetched again, µs; 0: the order does not wait for that. */
static usec_t time_to_poll(const Order *order)
{
    return order->timer && !authorizations_are_pending(order->authorizations)
               ? timer_left(order->timer)
               : 0;
}

/* µs to s, rounded up; not below @min. */
static unsigned to_seconds(usec_t delay, unsigned min)
{
    usec_t seconds = (delay + USEC_PER_SEC - 1) / USEC_PER_SEC;

    return seconds > min ? (unsigned)seconds : min;
}

unsigned order_retry_after(const Order *order)
{
    return to_seconds(time_to_poll(order), RETRY_SOON);
}

/* A client that waits is worth a question before the time that the CA named. */
static void hurry(Order *order)
{
    usec_t left = time_to_poll(order);

    order->demand.called_at = now_monotonic();
    authorizations_hurry(order->authorizations);
    if (order->trouble.status == 0 && demand_shorten(&order->demand, left) < left)
        (void)timer_arm(order->timer, demand_shorten(&order->demand, left));
}

void order_add_caller(Order *order, const OrderCaller *caller)
{
    if (!caller->is_prefetch) {
        order->record.asked = time(NULL);
        hurry(order);
    }
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
    free(order->replaces);
    failure_done(&order->end);
    failure_done(&order->trouble);
    account_choice_done(&order->choice);
    order_subject_done(&order->subject);
    free(order);
    return NULL;
}

static void ask_again(Order *order, unsigned retry_after)
{
    usec_t left = order_patience(order);
    usec_t delay = demand_shorten(&order->demand, poll_next(&order->poll, retry_after));

    if (left == 0)
        order_fail_late(order);
    else
        (void)order_schedule(order, delay < left ? delay : left);
}

/* The CA shows a state that the order had left. If it stays so, the CA has returned the order to
 * that state, and the order continues from there. */
static void await_notice(Order *order, const SessionReply *reply)
{
    if (order->poll.delay < NOTICE_MAX) {
        ask_again(order, reply->retry_after);
        return;
    }
    order->finalize_taken = false;
    order_fail_ca(order, 60, "The CA returned the order to an earlier state. Try again later.");
}

/* RFC 8555 §7.1.6: a ready order is finalized, or finalized again if the first request did not
 * arrive. If the CA has accepted finalize, it only does not show it yet. */
static void on_ready(Order *order, const SessionReply *reply)
{
    if (order->finalize_taken)
        await_notice(order, reply);
    else
        order_finalize(order, false);
}

static void on_processing(Order *order, const SessionReply *reply)
{
    /* Earlier trouble is over. In other states the next step may fail again, so the pauses go on
     * growing. */
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
            "The CA issued the certificate but sent no https URL for it. Try again later.");
}

/* @solvers: as of AuthorizationTask. */
static int start_authorizations(Order *order, const json_t *urls, const Solvers *solvers,
                                authorizations_cb callback)
{
    const AuthorizationTask task = {
        .event = order->event,
        .account = order->choice.account,
        .config = order->subject.config,
        .auth = order->subject.request.auth,
        .solvers = solvers,
        .csr = order->subject.request.csr,
        .demand = &order->demand,
        .log = &order->subject.log,
    };
    const AuthorizationsCall call = {
        .context = order_context(order),
        .callback = callback,
        .userdata = order,
    };

    return authorizations_start(&task, urls, &call, &order->authorizations);
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

/* An order that became invalid unobserved, for example during a restart, did so because of a name.
 * That name is then held back like any other that failed. */
static bool ask_why(Order *order, const json_t *urls)
{
    return !order->authorizations && order->record.stage == ORDER_STAGE_PLACED &&
           start_authorizations(order, urls, NULL, on_asked_why) >= 0;
}

static void on_invalid(Order *order, const SessionReply *reply)
{
    /* A challenge that was answered with the old key cannot become valid with the new one. */
    if (order->is_moved) {
        order_begin_again(order);
        return;
    }
    order_object_set_end(reply->json, order->record.stage == ORDER_STAGE_FINALIZING,
                         reply->retry_after, &order->end);
    if (order->record.stage == ORDER_STAGE_FINALIZING)
        order_suspect_contact(order, REFUSED_FINALIZE, json_object_get(reply->json, "error"),
                              &order->end);
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
    order_restart_patience(order);
    (void)timer_disarm(order->timer);
    /* RFC 8555 §7.1.6: the order is ready. If the CA has not noticed that yet, it says so (§7.4),
     * and the order object is fetched. */
    order_finalize(order, true);
}

static void on_pending(Order *order, const SessionReply *reply)
{
    int r;

    if (order->authorizations) {
        /* All are valid, but the CA does not show it yet. */
        await_notice(order, reply);
        return;
    }
    if (order_patience(order) == 0) {
        order_fail_late(order);
        return;
    }
    r = start_authorizations(order, json_object_get(reply->json, "authorizations"), order->solvers,
                             on_validated);
    if (r == -EBADMSG)
        order_fail_ca(order, 3600,
                      "The CA sent an order with invalid authorizations. Try again later.");
    else if (r < 0)
        order_fail_memory(order);
    else
        /* The authorizations have no deadline of their own. */
        (void)order_schedule(order, order_patience(order));
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

    LOG_CONTEXT(&order->subject.log);
    order->call = NULL;
    if (!session_reply_is_good(reply) || !status) {
        order_fail_reply(order, reply, "about the order");
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
                  "The CA reports an order state that acmems does not know. Try again later.");
}

static void on_account(const Failure *failure, void *userdata)
{
    Order *order = userdata;

    LOG_CONTEXT(&order->subject.log);
    order->account_waiter = NULL;
    if (failure) {
        Failure copy = { 0 };

        failure_copy(&copy, failure);
        /* An order that the CA has can continue once the account is usable again, but not if there
         * is no account. */
        if (order->record.url && !failure->is_without_account)
            order_pause(order, &copy);
        else
            order_give_up(order, &copy);
    } else if (order->record.url)
        order_fetch(order);
    else if (csr_has_key(order->subject.request.csr, account_key(order->choice.account)))
        /* RFC 8555 §11.1 */
        order_fail(
            order, LOG_EVENT_ORDER_FAILED_HERE, 415, 0,
            "The CSR contains the key of the server's ACME account. Make it with another key.");
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
        order_fail_late(order);
        return 0;
    }
    if (order->is_unsaved && !order_save(order))
        return 0;
    if (!order_key_is_good(order))
        return 0;
    if (!order->record.url && !order_may_begin(order))
        return 0;
    /* The configuration may name another account by now, or the account may have another key. */
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

void order_note_removed(Order *order)
{
    OrderSubject *subject = &order->subject;

    LOG_CONTEXT(&subject->log);
    if (order->has_file &&
        !order_record_exists(subject->config->state_directory, subject->request.key))
        order_fail(order, LOG_EVENT_ORDER_FAILED_HERE, 503, 60,
                   "The administrator ended this order. Try again: a new order is made.");
}

const Failure *order_trouble(const Order *order)
{
    return order->trouble.status ? &order->trouble : NULL;
}

unsigned order_pause_left(const Order *order)
{
    return to_seconds(timer_left(order->timer), 1);
}

/* What new and resumed orders have in common. */
static int order_describe(Order *order, const OrderSetup *setup, SignRequest *request)
{
    order->event = sd_event_ref(setup->event);
    order->solvers = setup->solvers;
    order->refusals = setup->refusals;
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
    order->is_resumed = order->is_charged = order->has_file = true;
    r = order_describe(order, setup, request);
    if (r < 0)
        return r;
    /* An order that another account placed can never be reached again. */
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
