/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders.h"

#include "log.h"

typedef struct Entry Entry;

struct OrdersWaiter {
    Entry *entry;
    OrdersWaiter *next;
    orders_cb callback;
    void *userdata;
};

/* An order with those who wait for it, in the order of arrival. */
struct Entry {
    Orders *orders;
    Entry *next;
    Order *order;
    Config *config; /* whose account it is to use */
    bool started;
    OrdersWaiter *waiters;
};

struct Orders {
    sd_event *event;
    int challenge_fd;
    Account *account; /* of the latest config; older ones live on with their orders */
    Entry *entries;
    size_t n_entries;
    void (*idle)(void *userdata);
    void *idle_userdata;
};

OrdersWaiter *orders_waiter_cancel(OrdersWaiter *waiter)
{
    if (!waiter)
        return NULL;
    for (OrdersWaiter **w = &waiter->entry->waiters; *w; w = &(*w)->next)
        if (*w == waiter) {
            *w = waiter->next;
            break;
        }
    free(waiter);
    return NULL;
}

static Entry *entry_free(Entry *entry)
{
    for (Entry **e = &entry->orders->entries; *e; e = &(*e)->next)
        if (*e == entry) {
            *e = entry->next;
            entry->orders->n_entries--;
            break;
        }
    while (entry->waiters)
        orders_waiter_cancel(entry->waiters);
    order_free(entry->order);
    config_unref(entry->config);
    free(entry);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Entry *, entry_free)

static Entry *find_key(Orders *orders, const char *key)
{
    for (Entry *e = orders->entries; e; e = e->next)
        if (streq(order_key(e->order), key))
            return e;
    return NULL;
}

static bool names_are_busy(Orders *orders, const char *names)
{
    for (Entry *e = orders->entries; e; e = e->next)
        if (e->started && streq(order_names(e->order), names))
            return true;
    return false;
}

static int use_account(Orders *orders, Config *config)
{
    Account *account;
    int r;

    if (orders->account && account_is_current(orders->account, config))
        return 0;
    r = account_new(orders->event, config, &account);
    if (r < 0)
        return r;
    account_unref(orders->account);
    orders->account = account;
    return 0;
}

static void tell_waiters(Entry *entry, const Chain *chain, const Failure *failure)
{
    while (entry->waiters) {
        orders_cb callback = entry->waiters->callback;
        void *userdata = entry->waiters->userdata;

        orders_waiter_cancel(entry->waiters);
        callback(chain, failure, userdata);
    }
}

static void on_end(Order *order, const Chain *chain, const Failure *failure, void *userdata);

static int entry_start(Entry *entry)
{
    int r;

    r = use_account(entry->orders, entry->config);
    if (r < 0)
        return r;
    entry->started = true;
    return order_start(entry->order, entry->orders->account, on_end, entry);
}

/* Starts the first that waited for its names to be free. One that cannot be started is told so, and
 * the next is looked for. */
static void start_next(Orders *orders)
{
    Entry *entry = orders->entries;

    while (entry) {
        Failure failure = { 0 };
        int r;

        if (entry->started || names_are_busy(orders, order_names(entry->order))) {
            entry = entry->next;
            continue;
        }
        r = entry_start(entry);
        if (r < 0) {
            log_error_errno(r, "Order for %s cannot be started: %m", order_names(entry->order));
            failure_set(&failure, 500, 0,
                        "The server cannot start the order: its journal says why.");
            tell_waiters(entry, NULL, &failure);
            failure_done(&failure);
            entry_free(entry);
        }
        /* From the front again: whatever was called may have changed the list. */
        entry = orders->entries;
    }
}

static void on_end(Order *order, const Chain *chain, const Failure *failure, void *userdata)
{
    Entry *entry = userdata;
    Orders *orders = entry->orders;

    (void)order;
    tell_waiters(entry, chain, failure);
    entry_free(entry);
    start_next(orders);
    if (!orders->entries && orders->idle)
        orders->idle(orders->idle_userdata);
}

static int entry_new(Orders *orders, const OrderTarget *target, const void *body, size_t size,
                     Csr **csr, const char *request_id, Entry **ret)
{
    _cleanup_(entry_freep) Entry *entry = NULL;
    Entry **end = &orders->entries;
    int r;

    if (orders->n_entries >= ORDERS_MAX)
        return -EBUSY;
    entry = calloc(1, sizeof(*entry));
    if (!entry)
        return -ENOMEM;
    entry->orders = orders;
    entry->config = config_ref(target->config);
    r = order_new(orders->event, target, orders->challenge_fd, body, size, csr, request_id,
                  &entry->order);
    if (r < 0)
        return r;
    if (!names_are_busy(orders, order_names(entry->order))) {
        r = entry_start(entry);
        if (r < 0)
            return r;
    }
    while (*end)
        end = &(*end)->next;
    *end = entry;
    orders->n_entries++;
    *ret = TAKE_PTR(entry);
    return 0;
}

int orders_request(Orders *orders, const OrderTarget *target, const void *body, size_t size,
                   Csr **csr, const char *request_id, orders_cb callback, void *userdata,
                   OrdersWaiter **ret)
{
    char key[STORAGE_KEY_SIZE];
    OrdersWaiter *waiter, **end;
    Entry *entry;
    int r;

    waiter = calloc(1, sizeof(*waiter));
    if (!waiter)
        return -ENOMEM;
    storage_key(body, size, key);
    entry = find_key(orders, key);
    if (!entry) {
        r = entry_new(orders, target, body, size, csr, request_id, &entry);
        if (r < 0) {
            free(waiter);
            return r;
        }
    }
    *waiter = (OrdersWaiter){ entry, NULL, callback, userdata };
    for (end = &entry->waiters; *end; end = &(*end)->next)
        ;
    *end = waiter;
    *ret = waiter;
    return 0;
}

size_t orders_in_flight(const Orders *orders)
{
    return orders->n_entries;
}

void orders_set_idle_callback(Orders *orders, void (*callback)(void *userdata), void *userdata)
{
    orders->idle = callback;
    orders->idle_userdata = userdata;
}

int orders_new(sd_event *event, int challenge_fd, Orders **ret)
{
    Orders *orders = calloc(1, sizeof(*orders));

    if (!orders)
        return -ENOMEM;
    orders->event = sd_event_ref(event);
    orders->challenge_fd = challenge_fd;
    *ret = orders;
    return 0;
}

Orders *orders_free(Orders *orders)
{
    if (!orders)
        return NULL;
    while (orders->entries)
        entry_free(orders->entries);
    account_unref(orders->account);
    sd_event_unref(orders->event);
    free(orders);
    return NULL;
}
