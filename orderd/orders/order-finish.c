/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders/order-finish.h"

#include "libacme/transport/problem.h"
#include "limits/budget.h"
#include "limits/holds.h"
#include "log/log.h"
#include "orders/order-object.h"
#include "statedir/kept-chain.h"
#include "statedir/storage/cache.h"
#include "strings/strv.h"
#include "x509/chain-fields.h"

static bool problem_is(const SessionReply *reply, const char *type)
{
    return reply->problem && streq(problem_type(reply->problem), type);
}

static void on_finalized(const SessionReply *reply, void *userdata)
{
    Order *order = userdata;
    Failure failure = { 0 };

    LOG_CONTEXT(&order->subject.log);
    order->call = NULL;
    if (order->is_early && problem_is(reply, "orderNotReady")) {
        order_fetch(order);
        return;
    }
    if (account_choice_is_current(&order->choice) &&
        order_object_set_csr_refused(reply, &failure)) {
        order_suspect_contact(order, REFUSED_FINALIZE, reply->problem, &failure);
        order_give_up(order, &failure);
        return;
    }
    if (!session_reply_is_good(reply)) {
        order_fail_reply(order, reply, "to finalize the order");
        return;
    }
    order->finalize_taken = true;
    order->poll = (Poll){ 0 };
    order->on_object(reply, order);
}

void order_finalize(Order *order, bool is_early)
{
    json_auto_t *payload = NULL;

    if (!order_key_is_good(order))
        return;
    if (!order->record.finalize_url) {
        order_fail_ca(order, 60,
                      "The CA sent no https URL to finalize the order. Try again later.");
        return;
    }
    payload = order_object_finalize(order->subject.request.csr);
    if (!payload) {
        order_fail_memory(order);
        return;
    }
    order->is_early = is_early;
    if (order->record.stage != ORDER_STAGE_FINALIZING)
        order->record.waits_since = time(NULL);
    order->record.stage = ORDER_STAGE_FINALIZING;
    if (order_save(order))
        order_post(order,
                   &(SessionRequest){ .url = order->record.finalize_url, .payload = payload },
                   on_finalized);
}

static void log_issued(const Order *order, const Chain *chain)
{
    _cleanup_strv_ char **extra = chain_extra_names(chain, order->subject.request.csr);
    _cleanup_free_ char *added = extra ? strv_join(extra, " ") : NULL;
    _cleanup_log_fields_ LogFields fields = { 0 };

    chain_add_fields(chain, &fields);
    log_event(LOG_EVENT_CERTIFICATE_ISSUED, &fields,
              "Certificate issued for %s: serial %s, valid until %s, order %s%s%s",
              order->subject.names, str_or(log_fields_get(&fields, LOG_FIELD_SERIAL), "?"),
              str_or(log_fields_get(&fields, LOG_FIELD_NOT_AFTER), "?"),
              str_or(order->record.url, "?"), added ? "; the CA added " : "", str_or(added, ""));
}

/* Keeps the chain in the order's file when the storage does not. A request within a day gets it. */
static bool finish_keep(Order *order, const Chain *chain)
{
    if (kept_chain_put(&order->record, chain) >= 0)
        return order_save(order);
    order_fail_memory(order);
    return false;
}

/* Whether the chain is on disk. False: the order has ended or is paused. */
static bool store(Order *order, const Chain *chain)
{
    const OrderRecord *record = &order->record;
    const Storage *storage = order->subject.storage;
    CachedFrom from = { record->server, record->account, record->auth, record->asked };
    int r;

    if (storage->type == STORAGE_NONE)
        return finish_keep(order, chain);
    r = cached_store(storage, &order->subject.request, chain, &from, &order->renewal);
    if (r > 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to write the metadata of entry %s in storage \"%s\": %m",
                        order->subject.request.key, storage->name);
    if (r >= 0)
        return true;
    order_log_not_stored(order, r, "store the certificate");
    return finish_keep(order, chain);
}

static void succeed(Order *order, const Chain *chain)
{
    order_drop_authorizations(order);
    if (order->record.stage != ORDER_STAGE_ISSUED)
        order_forget(order->subject.config->state_directory, order->subject.request.key);
    order->callback(order, chain, NULL, order->userdata);
}

static void finish(Order *order, const Chain *chain)
{
    const OrderContext context = order_context(order);

    if (!order_key_is_good(order) || !store(order, chain))
        return;
    log_issued(order, chain);
    if (!order->record.is_exempt)
        budget_note_certificate(&context);
    succeed(order, chain);
}

/* A second order would give the same result, and count at the CA. */
static void note_unusable(const Order *order, const Failure *failure)
{
    const OrderContext context = order_context(order);

    holds_note_unusable(&context, failure);
    if (!order->record.is_exempt)
        budget_note_certificate(&context);
}

static void on_chain(const Chain *chain, Failure *failure, void *userdata)
{
    Order *order = userdata;

    LOG_CONTEXT(&order->subject.log);
    order->chain_fetch = NULL;
    if (chain) {
        finish(order, chain);
        return;
    }
    if (!failure->passing)
        note_unusable(order, failure);
    order_end_or_pause(order, failure);
}

void order_fetch_chain(Order *order, const char *url)
{
    const ChainWish wish = {
        .csr = order->subject.request.csr,
        .names = order->subject.names,
        .common_name = account_choice_block(&order->choice)->preferred_chain,
        .refuses_extra_names = account_choice_block(&order->choice)->refuses_extra_names,
        .log = &order->subject.log,
        .told = &order->chain_told,
    };
    const ChainFetchCall call = { .callback = on_chain, .userdata = order };
    int r = chain_fetch_start(order_session(order), &wish, url, &call, &order->chain_fetch);

    if (r < 0)
        order_fail_request(order, r);
}
