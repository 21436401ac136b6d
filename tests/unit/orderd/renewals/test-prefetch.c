/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewals/prefetch.h"

#include "order-bed.h"

#define FULL "Too many orders are in progress on the server. Try again later."

/* They take the place of orders.c: there is no room. */
int orders_request(Orders *orders, Config *config, SignRequest *request, const OrdersCall *call,
                   OrdersWaiter **ret, Failure *failure)
{
    (void)orders;
    (void)config;
    (void)ret;
    ASSERT_TRUE(call->caller.is_prefetch);
    trace_add("order for %s", request->csr->names[0]);
    failure_set(failure, LOG_EVENT_ORDERS_FULL, 503, 60, FULL);
    return -EBUSY;
}

OrdersWaiter *orders_waiter_cancel(OrdersWaiter *waiter)
{
    ASSERT_TRUE(!waiter);
    return NULL;
}

static void on_prefetched(const Failure *failure, void *userdata)
{
    (void)failure;
    (void)userdata;
    trace_add("renewed");
}

/* The caller learns why there is no room, and can try again. */
static void test_no_room(void)
{
    static const BedCase c = { "no room", { { 0 } }, "order for a.example.org\n" };
    Prefetch *prefetch = NULL;
    Failure failure = { 0 };
    InventoryRef entry;
    Bed b;

    bed_open_case(&b, &c);
    {
        _cleanup_(sign_request_done) SignRequest request = bed_request(&b);

        entry = (InventoryRef){ .config = b.config, .storage = request.auth->storage };
        memcpy(entry.key, request.key, sizeof(entry.key));
    }
    ASSERT_EQ(prefetch_start(NULL, &entry, on_prefetched, NULL, &prefetch, &failure), 0);
    ASSERT_EQ(failure.status, 0); /* there is no certificate */
    bed_order(&b);
    clock_run(b.event, &b.is_over, bed_until(&c));
    bed_drop(&b);
    trace_clear();
    ASSERT_EQ(prefetch_start(NULL, &entry, on_prefetched, NULL, &prefetch, &failure), -EBUSY);
    ASSERT_TRUE(!prefetch);
    ASSERT_STREQ(failure.reason, FULL);
    failure_done(&failure);
    b.is_over = true;
    bed_end_case(&b, &c);
}

int main(void)
{
    test_no_room();
    return EXIT_SUCCESS;
}
