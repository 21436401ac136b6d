/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders/order.h"

#include "make-x509.h"
#include "orders/order-base.h"
#include "test-directory.h"
#include "test.h"

static char block_name[] = "web", server[] = "https://ca.example/dir", no_name[] = "";
static AccountBlock account = { .name = no_name, .server = server };
static const AccountBlock *accounts[] = { &account };
static Storage storage = { .type = STORAGE_NONE };
static AuthBlock auth = {
    .name = block_name, .storage = &storage, .accounts = accounts, .n_accounts = 1
};

typedef struct Seen {
    unsigned n_ends, n_pauses;
    int status;
} Seen;

static void on_end(Order *order, const Chain *chain, const Failure *failure, void *userdata)
{
    Seen *seen = userdata;

    ASSERT_FALSE(chain);
    seen->n_ends++;
    seen->status = failure->status;
    order_free(order);
}

static void on_trouble(Order *order, const Failure *failure, void *userdata)
{
    Seen *seen = userdata;

    ASSERT_EQ(seen->n_ends, 0);
    ASSERT_TRUE(order_trouble(order) == failure);
    seen->n_pauses++;
    seen->status = failure->status;
}

/* An order that the CA has. */
static Order *make_order(sd_event *event, Config *config, Accounts *all, Seen *seen)
{
    static const Solvers solvers = { .http01_fd = -EBADF };
    const OrderSetup setup = { event, &solvers, config, NULL };
    const OrderCaller caller = { .request_id = "1" };
    _cleanup_(sign_request_done) SignRequest request = { 0 };
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *body = make_request(key, NULL, "DNS:a.example.org");
    const char *why;
    Order *order;

    ASSERT_OK(sign_request_init(&request, body, strlen(body)));
    ASSERT_OK(sign_request_parse(&request, &why));
    request.auth = &auth;
    ASSERT_OK(order_new(&setup, &request, &caller, &order));
    ASSERT_FALSE(request.csr);
    ASSERT_TRUE(order_start(order, all, on_end, on_trouble, seen) >= 0);
    order->record.url = strdup("https://ca.example/order/1");
    ASSERT_TRUE(order->record.url);
    return order;
}

static Failure passing_failure(void)
{
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503, 60, "The CA does not answer.");
    failure.passing = true;
    return failure;
}

/* Trouble that may pass pauses the order. */
static void test_pause(sd_event *event, Config *config, Accounts *all)
{
    Failure failure = passing_failure();
    Seen seen = { 0 };
    Order *order = make_order(event, config, all, &seen);

    order_end_or_pause(order, &failure);
    ASSERT_EQ(seen.n_ends, 0);
    ASSERT_EQ(seen.n_pauses, 1);
    ASSERT_EQ(seen.status, 503);
    order_free(order);
}

/* If the timer cannot be armed, the order ends, once, and its memory is not read afterwards. */
static void test_pause_without_timer(sd_event *event, Config *config, Accounts *all)
{
    Failure failure = passing_failure();
    Seen seen = { 0 };
    Order *order = make_order(event, config, all, &seen);

    /* No timer can be armed in a loop that has ended. */
    ASSERT_OK(sd_event_exit(event, 0));
    ASSERT_OK(sd_event_loop(event));
    order_end_or_pause(order, &failure);
    ASSERT_EQ(seen.n_ends, 1);
    ASSERT_EQ(seen.n_pauses, 0);
    ASSERT_EQ(seen.status, 500);
}

int main(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();
    Config config = { .n_ref = 1, .state_directory = directory };
    _cleanup_(accounts_freep) Accounts *all = NULL;
    sd_event *event;

    ASSERT_OK(sd_event_new(&event));
    ASSERT_OK(accounts_new(event, &all));
    test_pause(event, &config, all);
    test_pause_without_timer(event, &config, all);
    ASSERT_EQ(config.n_ref, 1);
    all = accounts_free(all);
    sd_event_unref(event);
    return EXIT_SUCCESS;
}
