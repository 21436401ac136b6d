/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders/order-place.h"

#include "accounts/profile.h"
#include "challenges/solvers.h"
#include "libacme/renewal-info.h"
#include "limits/budget.h"
#include "limits/holds.h"
#include "log/log.h"
#include "orders/order-object.h"
#include "statedir/storage/cache.h"

static void send_request(Order *order);

/* The id of the certificate that this order renews (RFC 9773 §5), for a CA that supports it. NULL:
 * none. */
static char *replaced(const Order *order)
{
    const json_t *directory = session_last_directory(order_session(order));

    if (order->is_replaces_refused || !renewal_info_is_offered(directory) ||
        order->subject.storage->type == STORAGE_NONE)
        return NULL;
    return cached_renewal_id(order->subject.storage, order->subject.request.key,
                             account_choice_block(&order->choice)->server);
}

/* A CA that accepts the field shows it in its answer (RFC 9773 §5), and counts the order for none
 * of its limits. So acmems counts it for none of its own, unless the CA showed nothing last time.
 */
static void set_replaces(Order *order)
{
    free(order->replaces);
    order->replaces = replaced(order);
    order->expects_exemption =
        order->replaces &&
        !accounts_ignores_replaces(order->choice.accounts, account_choice_block(&order->choice));
}

/* Checked last: other orders may have used the budget up while the account was opened. */
static bool is_in_budget(Order *order)
{
    const OrderContext context = order_context(order);
    Failure failure = { 0 };

    if (budget_allows(&context, &failure))
        return true;
    order_give_up(order, &failure);
    return false;
}

static void charge(Order *order)
{
    const OrderContext context = order_context(order);

    budget_note_order(&context);
    order->is_charged = true;
}

/* An order that the CA does not exempt, against expectation, is counted late. */
static void note_exemption(Order *order, const SessionReply *reply)
{
    const char *shown = json_string_value(json_object_get(reply->json, "replaces"));

    if (!order->replaces)
        return;
    order->record.is_exempt = shown && streq(shown, order->replaces);
    accounts_note_replaces(order->choice.accounts, account_choice_block(&order->choice),
                           !order->record.is_exempt);
    if (!order->record.is_exempt && order->expects_exemption)
        charge(order);
}

static void fail_new_order(Order *order, const SessionReply *reply)
{
    Failure failure = { 0 };

    if (order_object_refuses_names(reply))
        order_object_set_names_refused(reply->problem, &failure);
    else
        failure_set_reply(&failure, reply, "for a new order");
    order_suspect_contact(order, REFUSED_NEW_ORDER, reply->problem, &failure);
    order_end_or_pause(order, &failure);
}

static void on_new_order(const SessionReply *reply, void *userdata)
{
    Order *order = userdata;
    OrderRecord *record = &order->record;

    LOG_CONTEXT(&order->subject.log);
    order->call = NULL;
    /* A second request without the field shows whether that was the cause. */
    if (order->replaces && order_object_may_be_for_replaces(reply)) {
        bool is_counted = !order->expects_exemption;

        order->is_replaces_refused = true;
        set_replaces(order);
        if (!is_counted && !is_in_budget(order))
            return;
        if (!is_counted)
            charge(order);
        send_request(order);
        return;
    }
    if (!order_object_is_made(reply)) {
        if (order->expects_exemption)
            charge(order);
        fail_new_order(order, reply);
        return;
    }
    record->url = strdup(reply->location);
    if (!record->url || order_object_note(reply->json, record) < 0) {
        order_fail_memory(order);
        return;
    }
    note_exemption(order, reply);
    record->stage = ORDER_STAGE_PLACED;
    record->waits_since = time(NULL);
    log_fields_add(&order->subject.log, LOG_FIELD_ORDER, record->url);
    outage_end(account_choice_outage(&order->choice));
    if (!order_save(order))
        return;
    if (!record->finalize_url) {
        order_fetch(order);
        return;
    }
    order->on_object(reply, order);
}

/* A certificate that could not be stored is not ordered. */
static bool prepare(Order *order)
{
    int r = storage_prepare(order->subject.storage, &order->subject.request);

    if (r >= 0)
        return true;
    order_log_not_stored(order, r, "prepare a cache entry");
    order_fail(
        order, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
        "The server failed to write its certificate storage. The server's journal says why.");
    return false;
}

bool order_may_begin(Order *order)
{
    const Outage *outage = account_choice_outage(&order->choice);
    const OrderContext context = order_context(order);
    Failure failure = { 0 };

    /* A name that no verification serves must not be ordered: the order could only fail. */
    if (solver_serves(order->subject.request.auth, order->subject.request.csr, &failure) &&
        !(outage && outage_holds(outage, &failure)) && holds_allows(&context, &failure))
        return true;
    order_give_up(order, &failure);
    return false;
}

static bool is_cached(const Order *order)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    const char *why;

    return storage_load(order->subject.storage, order->subject.request.key, &chain, &why) ==
           STORAGE_HIT;
}

static void send_request(Order *order)
{
    json_auto_t *payload = order_object_new(
        order->subject.request.csr, account_choice_profile(&order->choice), order->replaces);

    if (payload)
        order_post(order, &(SessionRequest){ .resource = "newOrder", .payload = payload },
                   on_new_order);
    else
        order_fail_memory(order);
}

static void place_request(Order *order)
{
    const AccountBlock *block = account_choice_block(&order->choice);

    if (order_record_set_account(&order->record, block->name, block->server) < 0) {
        order_fail_memory(order);
        return;
    }
    order->record.stage = ORDER_STAGE_NEW;
    order->is_renewal = is_cached(order);
    set_replaces(order);
    if ((!order->expects_exemption && !is_in_budget(order)) || !prepare(order) ||
        !order_save(order))
        return;
    if (!order->expects_exemption)
        charge(order);
    send_request(order);
}

static void place_on_directory(const SessionReply *reply, void *userdata)
{
    Order *order = userdata;
    const char *profile = account_choice_profile(&order->choice);
    Failure failure = { 0 };

    LOG_CONTEXT(&order->subject.log);
    order->call = NULL;
    if (reply->error < 0) {
        order_fail_reply(order, reply, "for its directory");
        return;
    }
    if (!profile || profile_is_offered(reply->json, profile)) {
        place_request(order);
        return;
    }
    profile_set_failure(&failure, reply->json, profile);
    order_give_up(order, &failure);
}

/* If the directory from the last request lacks the profile, a fresh one may have it. */
void order_place(Order *order)
{
    Session *session = order_session(order);
    const json_t *directory = session_last_directory(session);
    const char *profile = account_choice_profile(&order->choice);

    if (directory && (!profile || profile_is_offered(directory, profile)))
        place_request(order);
    else if (session_directory(session, place_on_directory, order, &order->call) < 0)
        order_fail_memory(order);
}
