/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/shares.h"

#include "limits/budget.h"
#include "test-directory.h"
#include "test.h"

static char server[] = "https://ca.example/dir", directory[] = "/account", web_name[] = "web",
            mail_name[] = "mail servers", name[] = "a.example.org";
static char *const names[] = { name, NULL };
static AccountBlock account = { .server = server, .directory = directory, .orders_per_3h = 20 };
static const AccountBlock *accounts[] = { &account };
static AuthBlock web = { .name = web_name, .accounts = accounts, .n_accounts = 1 };
static AuthBlock mail = { .name = mail_name, .accounts = accounts, .n_accounts = 1 };
static AuthBlock *blocks[] = { &web, &mail };
static Config config = { .auth = blocks, .n_auth = 2 };

static OrderContext by(const char *client, const AuthBlock *auth, OrderKind kind)
{
    return (OrderContext){ .config = &config,
                           .account = &account,
                           .auth = auth,
                           .client = client,
                           .kind = kind,
                           .names = names,
                           .set = name };
}

static void assert_free(OrderContext context)
{
    Failure failure = { 0 };

    ASSERT_TRUE(budget_allows(&context, &failure));
}

static void assert_held(OrderContext context, const char *why)
{
    Failure failure = { 0 };

    ASSERT_FALSE(budget_allows(&context, &failure));
    ASSERT_EQ(failure.status, 429);
    ASSERT_EQ(failure.event, LOG_EVENT_ORDER_HELD_BACK);
    ASSERT_TRUE(failure.retry_after > 3 * 3600 - 60 && failure.retry_after <= 3 * 3600);
    if (!strstr(failure.reason, why))
        fprintf(stderr, "%s\n", failure.reason);
    ASSERT_TRUE(strstr(failure.reason, why));
    failure_done(&failure);
}

/* Places orders until they are held back; returns their number. */
static unsigned place_all(OrderContext context, unsigned max)
{
    unsigned n = 0;

    for (Failure failure = { 0 }; n < max; n++) {
        if (!budget_allows(&context, &failure)) {
            failure_done(&failure);
            break;
        }
        budget_note_order(&context);
    }
    return n;
}

static void begin(unsigned client, unsigned auth, unsigned reserve)
{
    test_directory_freep(&config.state_directory);
    config.state_directory = test_directory_new();
    account.client_share = client;
    account.auth_share = auth;
    account.renewal_reserve = reserve;
}

static void test_client(void)
{
    begin(25, 0, 0);
    ASSERT_EQ(place_all(by("192.0.2.1", &web, ORDER_KIND_NEW), 100), 5);
    assert_held(by("192.0.2.1", &web, ORDER_KIND_NEW),
                "This client has used its share of the orders in 3 hours, which is 5 (client-share "
                "= 25 % of orders-per-3h = 20). Try again in 180 minutes.");
    /* By another auth block it is the same client. */
    assert_held(by("192.0.2.1", &mail, ORDER_KIND_NEW), "This client");
    assert_held(by("192.0.2.1", &web, ORDER_KIND_RENEWAL), "This client");
    assert_free(by("192.0.2.2", &web, ORDER_KIND_NEW));
    assert_free(by("192.0.2.1", &web, ORDER_KIND_PREFETCH));
    assert_free(by(NULL, &web, ORDER_KIND_NEW));
}

static void test_network(void)
{
    begin(25, 0, 0);
    ASSERT_EQ(place_all(by("2001:db8:0:1::1", &web, ORDER_KIND_NEW), 3), 3);
    ASSERT_EQ(place_all(by("2001:db8:0:1:ffff::2", &web, ORDER_KIND_NEW), 100), 2);
    assert_free(by("2001:db8:0:2::1", &web, ORDER_KIND_NEW));
}

/* Clients without an address share with those of their auth block. */
static void test_unknown(void)
{
    begin(25, 0, 0);
    ASSERT_EQ(place_all(by(NULL, &web, ORDER_KIND_NEW), 3), 3);
    ASSERT_EQ(place_all(by("unix", &web, ORDER_KIND_NEW), 100), 2);
    assert_free(by(NULL, &mail, ORDER_KIND_NEW));
}

static void test_auth(void)
{
    begin(0, 50, 0);
    ASSERT_EQ(place_all(by("192.0.2.1", &web, ORDER_KIND_NEW), 6), 6);
    ASSERT_EQ(place_all(by("192.0.2.2", &web, ORDER_KIND_RENEWAL), 100), 4);
    assert_held(by("192.0.2.3", &web, ORDER_KIND_NEW), "(auth-share = 50 % of orders-per-3h = 20)");
    assert_free(by("192.0.2.1", &mail, ORDER_KIND_NEW));
    ASSERT_EQ(place_all(by("192.0.2.1", &mail, ORDER_KIND_NEW), 100), 10);
    /* Nothing shares the account with the only block. */
    config.n_auth = 1;
    begin(0, 50, 0);
    ASSERT_EQ(place_all(by("192.0.2.1", &web, ORDER_KIND_NEW), 100), 20);
    config.n_auth = 2;
}

static void test_renewals(void)
{
    begin(0, 0, 25);
    ASSERT_EQ(place_all(by("192.0.2.1", &web, ORDER_KIND_NEW), 100), 15);
    assert_held(by("192.0.2.2", &web, ORDER_KIND_NEW),
                "The server's account has used its share of the orders for new certificates in 3 "
                "hours, which is 15 (orders-per-3h = 20, renewal-reserve = 25 %)");
    ASSERT_EQ(place_all(by("192.0.2.1", &web, ORDER_KIND_RENEWAL), 3), 3);
    ASSERT_EQ(place_all(by(NULL, &web, ORDER_KIND_PREFETCH), 100), 2);
    assert_held(by("192.0.2.2", &web, ORDER_KIND_RENEWAL), "(orders-per-3h = 20)");
}

/* The reserve is a part of each share as well: other clients of the block can renew. */
static void test_renewals_in_a_share(void)
{
    begin(0, 50, 20);
    ASSERT_EQ(place_all(by("192.0.2.1", &web, ORDER_KIND_NEW), 100), 8);
    assert_held(by("192.0.2.2", &web, ORDER_KIND_NEW),
                "(auth-share = 50 % of orders-per-3h = 20, renewal-reserve = 20 %)");
    ASSERT_EQ(place_all(by("192.0.2.2", &web, ORDER_KIND_RENEWAL), 100), 2);
}

/* Three quarters at most, so that clients can order. */
static void test_prefetch(void)
{
    begin(25, 0, 25);
    ASSERT_EQ(place_all(by(NULL, &web, ORDER_KIND_PREFETCH), 100), 15);
    assert_held(by(NULL, &web, ORDER_KIND_PREFETCH), "orders ahead of requests");
    ASSERT_EQ(place_all(by("192.0.2.1", &web, ORDER_KIND_NEW), 3), 3);
}

/* Prefetch and new certificates together leave something to clients that wait for a renewal. */
static void test_awaited_renewals(void)
{
    begin(0, 0, 25);
    ASSERT_EQ(place_all(by(NULL, &web, ORDER_KIND_PREFETCH), 100), 15);
    ASSERT_EQ(place_all(by("192.0.2.1", &web, ORDER_KIND_NEW), 100), 3);
    assert_held(by("192.0.2.1", &web, ORDER_KIND_NEW),
                "orders for new certificates and ahead of requests in 3 hours, which is 18");
    ASSERT_EQ(place_all(by("192.0.2.2", &web, ORDER_KIND_RENEWAL), 100), 2);
}

/* A small limit leaves each client one order, and a limit that is off has no shares. */
static void test_small_limits(void)
{
    account.orders_per_3h = 2;
    begin(25, 50, 25);
    ASSERT_EQ(place_all(by("192.0.2.1", &web, ORDER_KIND_NEW), 100), 1);
    ASSERT_EQ(place_all(by("192.0.2.2", &mail, ORDER_KIND_NEW), 100), 1);
    account.orders_per_3h = 0;
    begin(25, 50, 25);
    ASSERT_EQ(place_all(by("192.0.2.1", &web, ORDER_KIND_NEW), 100), 100);
    account.orders_per_3h = 20;
    begin(100, 100, 0);
    ASSERT_EQ(place_all(by("192.0.2.1", &web, ORDER_KIND_NEW), 100), 20);
}

/* Orders that an earlier version counted say nothing about their clients. */
static void test_without_notes(void)
{
    static char *const strange[] = { NULL, (char *)(uintptr_t) "", (char *)(uintptr_t) "new",
                                     (char *)(uintptr_t) "other 192.0.2.1 web",
                                     (char *)(uintptr_t) "new 192.0.2.1" };
    const OrderContext context = by("192.0.2.1", &web, ORDER_KIND_NEW);
    time_t times[ELEMENTSOF(strange)];
    const Ledger ledger = { times, (char **)(uintptr_t)strange, ELEMENTSOF(strange) };
    Failure failure = { 0 };

    begin(25, 50, 25);
    account.orders_per_3h = 1;
    for (size_t i = 0; i < ELEMENTSOF(times); i++)
        times[i] = time(NULL);
    ASSERT_TRUE(shares_allow(&context, &ledger, 3600, time(NULL), &failure));
    account.orders_per_3h = 20;
}

int main(void)
{
    config.state_directory = test_directory_new();
    test_client();
    test_network();
    test_unknown();
    test_auth();
    test_renewals();
    test_renewals_in_a_share();
    test_prefetch();
    test_awaited_renewals();
    test_small_limits();
    test_without_notes();
    test_directory_freep(&config.state_directory);
    return EXIT_SUCCESS;
}
