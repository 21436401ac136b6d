/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders/orders.h"

#include <sys/queue.h>

#include "accounts/profile.h"
#include "event/timer.h"
#include "limits/crowd.h"
#include "log/log.h"
#include "orders/order-watch.h"
#include "policy/policy.h"
#include "statedir/kept-chain.h"
#include "strings/strv.h"

typedef struct Entry Entry;

struct OrdersWaiter {
    Entry *entry;
    TAILQ_ENTRY(OrdersWaiter) list;
    sd_event_source *deadline;
    orders_cb callback;
    void *userdata;
};

/* An order and its waiters. */
struct Entry {
    Orders *orders;
    TAILQ_ENTRY(Entry) list;
    Order *order;
    CrowdMember member;
    bool started;
    bool resumed; /* it was in progress before */
    TAILQ_HEAD(, OrdersWaiter) waiters;
    size_t n_waiters;
};

struct Orders {
    sd_event *event;
    const Solvers *solvers;
    Accounts *accounts;
    TAILQ_HEAD(, Entry) entries; /* in the order of arrival */
    size_t n_entries;
    ProfileCheck *profile_check;
    OrderWatch *watch;
    Refusals *refusals;
    sd_event_source *summing; /* of what has no entry; not armed without it */
    bool unread;              /* an order that is not in the list may be on disk */
    void (*changed)(void *userdata);
    void *changed_userdata;
    orders_stored_cb stored;
    void *stored_userdata;
};

static void waiter_free(OrdersWaiter *waiter)
{
    sd_event_source_disable_unref(waiter->deadline);
    TAILQ_REMOVE(&waiter->entry->waiters, waiter, list);
    waiter->entry->n_waiters--;
    free(waiter);
}

static void tell_change(const Orders *orders)
{
    if (orders->changed)
        orders->changed(orders->changed_userdata);
}

static Entry *entry_free(Entry *entry)
{
    TAILQ_REMOVE(&entry->orders->entries, entry, list);
    entry->orders->n_entries--;
    while (!TAILQ_EMPTY(&entry->waiters))
        waiter_free(TAILQ_FIRST(&entry->waiters));
    order_free(entry->order);
    free(entry);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Entry *, entry_free)

OrdersWaiter *orders_waiter_cancel(OrdersWaiter *waiter)
{
    Entry *entry = waiter ? waiter->entry : NULL;
    const Orders *orders;

    if (!waiter)
        return NULL;
    orders = entry->orders;
    waiter_free(waiter);
    if (!entry->started && !entry->resumed && TAILQ_EMPTY(&entry->waiters)) {
        entry_free(entry);
        tell_change(orders);
    }
    return NULL;
}

static Entry *find_key(Orders *orders, const char *key)
{
    Entry *e;

    TAILQ_FOREACH (e, &orders->entries, list)
        if (streq(order_subject(e->order)->request.key, key))
            return e;
    return NULL;
}

static bool names_are_busy(Orders *orders, const char *names)
{
    Entry *e;

    TAILQ_FOREACH (e, &orders->entries, list)
        if (e->started && streq(order_subject(e->order)->names, names))
            return true;
    return false;
}

static void tell_waiter(OrdersWaiter *waiter, const Chain *chain, const Failure *failure)
{
    orders_cb callback = waiter->callback;
    void *userdata = waiter->userdata;

    waiter_free(waiter);
    callback(chain, failure, userdata);
}

static void tell_waiters(Entry *entry, const Chain *chain, const Failure *failure)
{
    while (!TAILQ_EMPTY(&entry->waiters))
        tell_waiter(TAILQ_FIRST(&entry->waiters), chain, failure);
}

/* A caller is told why there is no certificate yet. The order continues. */
static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    OrdersWaiter *waiter = userdata;
    const Failure *trouble = order_trouble(waiter->entry->order);
    Failure failure = { 0 };

    (void)source;
    (void)usec;
    if (trouble) {
        /* The order may continue sooner or later than the CA's answer says. */
        failure_copy(&failure, trouble);
        if (failure.retry_after > 0)
            failure.retry_after = order_pause_left(waiter->entry->order);
    } else if (!order_set_waiting(waiter->entry->order, &failure))
        failure_set(&failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503,
                    order_retry_after(waiter->entry->order),
                    "The CA has not completed the order yet. Post the same CSR again later.");
    tell_waiter(waiter, NULL, &failure);
    failure_done(&failure);
    return 0;
}

/* Trouble with the CA may pass before the deadline of the waiters. Trouble on this machine needs
 * its administrator, so the waiters are told at once. */
static void on_trouble(Order *order, const Failure *failure, void *userdata)
{
    Entry *entry = userdata;

    (void)order;
    if (failure->event == LOG_EVENT_ORDER_FAILED_HERE)
        tell_waiters(entry, NULL, failure);
}

static void on_end(Order *order, const Chain *chain, const Failure *failure, void *userdata);

static int entry_start(Entry *entry)
{
    entry->started = true;
    return order_start(entry->order, entry->orders->accounts, on_end, on_trouble, entry);
}

/* Starts the first order whose names are free now. If it cannot be started, its waiters are told,
 * and the next one is tried. */
static void start_next(Orders *orders)
{
    Entry *entry = TAILQ_FIRST(&orders->entries);

    while (entry) {
        Failure failure = { 0 };
        int r;

        if (entry->started || names_are_busy(orders, order_subject(entry->order)->names)) {
            entry = TAILQ_NEXT(entry, list);
            continue;
        }
        r = entry_start(entry);
        if (r < 0) {
            LOG_CONTEXT(&order_subject(entry->order)->log);
            log_event_errno(LOG_EVENT_ORDER_FAILED_HERE, r, "Failed to start the order for %s: %m",
                            order_subject(entry->order)->names);
            orders->unread = true; /* a resumed order has its file */
            failure_set(&failure, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
                        "The server failed to start the order. The server's journal says why.");
            tell_waiters(entry, NULL, &failure);
            failure_done(&failure);
            entry_free(entry);
        }
        /* From the front again: the callbacks may have changed the list. */
        entry = TAILQ_FIRST(&orders->entries);
    }
}

static int on_summing(sd_event_source *source, uint64_t usec, void *userdata)
{
    const Orders *orders = userdata;

    (void)usec;
    if (refusals_sum_up(orders->refusals, now_monotonic()))
        (void)timer_arm(source, REFUSALS_WINDOW);
    return 0;
}

static void on_end(Order *order, const Chain *chain, const Failure *failure, void *userdata)
{
    Entry *entry = userdata;
    Orders *orders = entry->orders;
    const OrderSubject *subject = order_subject(order);
    bool is_delivered = chain && !TAILQ_EMPTY(&entry->waiters);

    if (orders->stored && order_renewal(order))
        orders->stored(subject->storage, subject->request.key, order_renewal(order),
                       orders->stored_userdata);
    if (failure && failure->event == LOG_EVENT_ORDER_HELD_BACK && !timer_is_armed(orders->summing))
        (void)timer_arm(orders->summing, REFUSALS_WINDOW);
    tell_waiters(entry, chain, failure);
    /* Without a storage the chain is handed out once. */
    if (is_delivered && order_is_kept_nowhere_else(order))
        order_forget(subject->config->state_directory, subject->request.key);
    entry_free(entry);
    start_next(orders);
    tell_change(orders);
}

static int entry_new(Orders *orders, Entry **ret)
{
    Entry *entry = calloc(1, sizeof(*entry));

    if (!entry)
        return -ENOMEM;
    entry->orders = orders;
    TAILQ_INIT(&entry->waiters);
    TAILQ_INSERT_TAIL(&orders->entries, entry, list);
    orders->n_entries++;
    *ret = entry;
    return 0;
}

/* Starts the order, or lets it wait until its names are free. */
static int entry_begin(Entry *entry)
{
    int r = 0;

    if (!names_are_busy(entry->orders, order_subject(entry->order)->names))
        r = entry_start(entry);
    if (r >= 0)
        tell_change(entry->orders);
    return r;
}

static OrderSetup make_setup(const Orders *orders, Config *config)
{
    return (OrderSetup){ orders->event, orders->solvers, config, orders->refusals };
}

static bool has_room(const Orders *orders, const Config *config, const AuthBlock *auth,
                     const CrowdMember *own, Failure *ret)
{
    Crowd crowd = { 0 };
    const Entry *e;

    TAILQ_FOREACH (e, &orders->entries, list)
        crowd_count(&crowd, own, &e->member);
    return crowd_has_room(&crowd, own, config, auth, ret);
}

static int make_order(Orders *orders, Config *config, SignRequest *request,
                      const OrderCaller *caller, Entry **ret, Failure *failure)
{
    const OrderSetup setup = make_setup(orders, config);
    _cleanup_(entry_freep) Entry *entry = NULL;
    CrowdMember member;
    int r;

    crowd_member_init(&member, caller->client, caller->is_prefetch, request->auth->name,
                      request->size);
    if (!has_room(orders, config, request->auth, &member, failure))
        return -EBUSY;
    r = entry_new(orders, &entry);
    if (r < 0)
        return r;
    entry->member = member;
    r = order_new(&setup, request, caller, &entry->order);
    if (r >= 0)
        r = entry_begin(entry);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(entry);
    return 0;
}

int orders_request(Orders *orders, Config *config, SignRequest *request, const OrdersCall *call,
                   OrdersWaiter **ret, Failure *failure)
{
    Entry *entry = find_key(orders, request->key);
    OrdersWaiter *waiter;
    int r = 0;

    if (entry && entry->n_waiters >= ORDERS_WAITERS_MAX)
        return -EUSERS;
    if (!entry)
        r = make_order(orders, config, request, &call->caller, &entry, failure);
    if (r < 0)
        return r;
    order_add_caller(entry->order, &call->caller);
    waiter = calloc(1, sizeof(*waiter));
    if (!waiter)
        return -ENOMEM;
    *waiter =
        (OrdersWaiter){ .entry = entry, .callback = call->callback, .userdata = call->userdata };
    TAILQ_INSERT_TAIL(&entry->waiters, waiter, list);
    entry->n_waiters++;
    r = timer_start(orders->event, DEMAND_LASTS, on_deadline, waiter, &waiter->deadline);
    if (r < 0) {
        orders_waiter_cancel(waiter);
        return r;
    }
    *ret = waiter;
    return 0;
}

/* The order's auth block, if it still permits the names. */
static const AuthBlock *find_auth(const Config *config, const OrderRecord *record, const Csr *csr)
{
    const AuthBlock *auth = config_find_auth(config, record->auth);

    return auth && policy_covers(auth, csr) ? auth : NULL;
}

static int resume(Orders *orders, Config *config, const char *key, const char **ret_why)
{
    _cleanup_(order_record_done) OrderRecord record = { 0 };
    _cleanup_(entry_freep) Entry *entry = NULL;
    _cleanup_(sign_request_done) SignRequest request = { 0 };
    const OrderSetup setup = make_setup(orders, config);
    int r = order_record_load(config->state_directory, key, &record);

    if (r < 0) {
        *ret_why = "its file is not usable";
        return r;
    }
    if (record.stage == ORDER_STAGE_ISSUED)
        return kept_chain_is_current(&record) ? 0 : -ESTALE;
    r = sign_request_init(&request, record.body, record.body_size);
    if (r >= 0)
        r = sign_request_parse(&request, ret_why);
    if (r < 0)
        return r;
    request.auth = find_auth(config, &record, request.csr);
    if (!request.auth) {
        *ret_why = "its auth block no longer permits it";
        return -ESTALE;
    }
    r = entry_new(orders, &entry);
    if (r < 0)
        return r;
    entry->resumed = true;
    crowd_member_init(&entry->member, record.client, record.asked == 0, request.auth->name,
                      record.body_size);
    r = order_resume(&setup, &request, &record, &entry->order);
    if (r < 0)
        return r;
    LOG_CONTEXT(&order_subject(entry->order)->log);
    log_event(LOG_EVENT_ORDER_RESUMED, NULL, "Resuming the order for %s",
              order_subject(entry->order)->names);
    r = entry_begin(entry);
    if (r >= 0)
        TAKE_PTR(entry);
    return r;
}

static void on_removed(const char *key, void *userdata)
{
    Entry *entry = find_key(userdata, key);

    if (entry && entry->started)
        order_note_removed(entry->order);
}

/* The directory may be another one by now. */
static void watch(Orders *orders, const Config *config)
{
    int r;

    orders->watch = order_watch_free(orders->watch);
    r = order_watch_new(orders->event, config->state_directory, on_removed, orders, &orders->watch);
    if (r < 0)
        log_warning_errno(r,
                          "'acmemsctl clear' cannot end orders in progress, because '%s/orders' "
                          "cannot be watched: %m",
                          config->state_directory);
}

void orders_resume(Orders *orders, Config *config)
{
    _cleanup_strv_ char **keys = NULL;
    bool unread = false;
    int r = order_record_clean(config->state_directory);

    watch(orders, config);
    if (r >= 0)
        r = order_record_list(config->state_directory, &keys);
    if (r < 0) {
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to list the pending orders in '%s': %m", config->state_directory);
        orders->unread = true;
        return;
    }
    STRV_FOREACH (key, keys) {
        const char *why = NULL;

        r = find_key(orders, *key) ? 0 : resume(orders, config, *key, &why);
        if (r >= 0 || r == -ENOENT)
            continue;
        if (why)
            log_event_errno(LOG_EVENT_ORDER_FAILED_HERE, r, "Failed to resume order %s: %s: %m",
                            *key, why);
        else if (r != -ESTALE)
            log_event_errno(LOG_EVENT_ORDER_FAILED_HERE, r, "Failed to resume order %s: %m", *key);
        if (r == -ESTALE || r == -EBADMSG)
            order_forget(config->state_directory, *key);
        else
            unread = true; /* the next attempt may resume it */
    }
    orders->unread = unread;
}

void orders_check_profiles(Orders *orders, Config *config)
{
    int r;

    orders->profile_check = profile_check_free(orders->profile_check);
    r = profile_check_new(orders->accounts, config, &orders->profile_check);
    if (r < 0)
        log_warning_errno(r, "Failed to ask the CAs for their profiles: %m");
}

bool orders_have_name(const Orders *orders, const char *name)
{
    const Entry *e;

    if (orders->unread)
        return true;
    TAILQ_FOREACH (e, &orders->entries, list)
        if (order_subject_has_name(order_subject(e->order), name))
            return true;
    return false;
}

Accounts *orders_accounts(Orders *orders)
{
    return orders->accounts;
}

bool orders_are_known(const Orders *orders)
{
    return !orders->unread;
}

size_t orders_in_flight(const Orders *orders)
{
    return orders->n_entries;
}

void orders_set_change_callback(Orders *orders, void (*callback)(void *userdata), void *userdata)
{
    orders->changed = callback;
    orders->changed_userdata = userdata;
}

void orders_set_stored_callback(Orders *orders, orders_stored_cb callback, void *userdata)
{
    orders->stored = callback;
    orders->stored_userdata = userdata;
}

int orders_new(sd_event *event, const Solvers *solvers, Orders **ret)
{
    _cleanup_(orders_freep) Orders *orders = calloc(1, sizeof(*orders));
    int r;

    if (!orders)
        return -ENOMEM;
    TAILQ_INIT(&orders->entries);
    orders->event = sd_event_ref(event);
    orders->unread = true;
    orders->solvers = solvers;
    r = refusals_new(&orders->refusals);
    if (r >= 0)
        r = timer_new(event, on_summing, orders, &orders->summing);
    if (r >= 0)
        r = accounts_new(event, &orders->accounts);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(orders);
    return 0;
}

Orders *orders_free(Orders *orders)
{
    if (!orders)
        return NULL;
    while (!TAILQ_EMPTY(&orders->entries))
        entry_free(TAILQ_FIRST(&orders->entries));
    sd_event_source_disable_unref(orders->summing);
    if (orders->refusals)
        (void)refusals_sum_up(orders->refusals, USEC_INFINITY);
    refusals_free(orders->refusals);
    profile_check_free(orders->profile_check);
    order_watch_free(orders->watch);
    accounts_free(orders->accounts);
    sd_event_unref(orders->event);
    free(orders);
    return NULL;
}
