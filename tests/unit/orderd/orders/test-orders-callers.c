/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who waits for which order, and what each caller is told. */

#include "orders/orders.h"

#include "limits/crowd.h"
#include "order-bed.h"

typedef struct Caller {
    const char *name;
    OrdersWaiter *waiter;
} Caller;

typedef struct Callers {
    Bed bed;
    Orders *orders;
    char *other; /* a CSR for the same names, of another key */
} Callers;

static unsigned n_changes;

static void on_changed(void *userdata)
{
    (void)userdata;
    n_changes++;
}

static void on_stored(const Storage *storage, const char *key, const Renewal *renewal,
                      void *userdata)
{
    (void)userdata;
    ASSERT_TRUE(storage->type == STORAGE_FILE && strlen(key) > 0 && renewal->not_after > 0);
    trace_add("stored");
}

static void open_callers(Callers *c, const char *config, const CaReply *script)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");

    bed_open(&c->bed, config, "", "DNS:a.example.org");
    c->other = make_request(key, NULL, "DNS:a.example.org");
    ASSERT_OK(orders_new(c->bed.event, &c->bed.solvers, &c->orders));
    n_changes = 0;
    orders_set_change_callback(c->orders, on_changed, NULL);
    orders_set_stored_callback(c->orders, on_stored, NULL);
    orders_resume(c->orders, c->bed.config);
    ca_start(script);
}

static void close_callers(Callers *c, const char *name, const char *seen)
{
    c->orders = orders_free(c->orders);
    trace_assert(name, seen);
    ca_assert_done(name);
    free(c->other);
    bed_close(&c->bed);
}

static void on_told(const Chain *chain, const Failure *failure, void *userdata)
{
    Caller *caller = userdata;

    ASSERT_TRUE(!chain != !failure);
    caller->waiter = NULL;
    if (chain)
        trace_add("%s: issued", caller->name);
    else
        trace_add("%s: %d%s: %s", caller->name, failure->status,
                  bed_after_retry(failure->retry_after), failure->reason);
}

static int call_with(Callers *c, const char *body, Caller *caller)
{
    const OrdersCall call = { .caller = { .request_id = "1", .client = "192.0.2.1" },
                              .callback = on_told,
                              .userdata = caller };
    _cleanup_(sign_request_done) SignRequest request = { 0 };
    Failure failure = { 0 };
    const char *why;
    int r;

    ASSERT_OK(sign_request_init(&request, body, strlen(body)));
    ASSERT_OK(sign_request_parse(&request, &why));
    request.auth = config_find_auth(c->bed.config, "web");
    r = orders_request(c->orders, c->bed.config, &request, &call, &caller->waiter, &failure);
    ASSERT_EQ(r == -EBUSY, failure.status != 0);
    if (r == -EBUSY)
        trace_add("%s: %d: %s", caller->name, failure.status, failure.reason);
    failure_done(&failure);
    return r;
}

static void run(Callers *c, unsigned seconds)
{
    clock_run(c->bed.event, NULL, now_monotonic() + seconds * USEC_PER_SEC);
}

static void test_same_request(void)
{
    Caller one = { "one" }, two = { "two" }, three = { "three" };
    Callers c;

    open_callers(&c, "", NULL);
    ASSERT_OK(call_with(&c, c.bed.body, &one));
    ASSERT_OK(call_with(&c, c.bed.body, &two));
    ASSERT_EQ(n_changes, 1);
    ASSERT_EQ(orders_in_flight(c.orders), 1);
    run(&c, 0);
    ASSERT_OK(call_with(&c, c.bed.body, &three));
    two.waiter = orders_waiter_cancel(two.waiter);
    ASSERT_TRUE(orders_have_name(c.orders, "a.example.org"));
    ASSERT_FALSE(orders_have_name(c.orders, "b.example.org"));
    run(&c, 1000);
    ASSERT_TRUE(!one.waiter && !three.waiter);
    ASSERT_EQ(orders_in_flight(c.orders), 0);
    ASSERT_EQ(n_changes, 2);
    close_callers(&c, "the same request",
                  SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
                  "certificate/1 as application/pem-certificate-chain\n"
                  "stored\n"
                  "one: issued\n"
                  "three: issued\n");
}

/* The CA may answer both with the same order. */
static void test_same_names(void)
{
    Caller one = { "one" }, two = { "two" };
    Callers c;

    open_callers(&c, "", NULL);
    ASSERT_OK(call_with(&c, c.bed.body, &one));
    ASSERT_OK(call_with(&c, c.other, &two));
    ASSERT_EQ(orders_in_flight(c.orders), 2);
    run(&c, 0);
    run(&c, 1000);
    close_callers(&c, "the same names",
                  SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
                  "certificate/1 as application/pem-certificate-chain\n"
                  "stored\n"
                  "one: issued\n" SEEN_PLACED "authz/1\n" SEEN_FINALIZED
                  "certificate/1 as application/pem-certificate-chain\n"
                  "two: 503, retry 3600: The CA did not send the certificate that was ordered: the "
                  "certificate has a different key than the request. Try again later.\n");
}

#define AUTHZ                                                                                      \
    "{'status': 'pending', 'identifier': {'type': 'dns', 'value': 'a.example.org'}, "              \
    "'challenges': [{'type': 'http-01', 'status': 'processing', 'token': '" BED_TOKEN "', 'url': " \
    "'@challenge/1'}]}"

#define SLOW                                                                                       \
    {                                                                                              \
        "finalize/1", 200, "{'status': 'processing'}", .retry_after = 150                          \
    }

/* A caller does not wait for longer than 90 s. The order goes on. */
static void test_deadline(void)
{
    static const CaReply script[] = {
        SLOW,
        { "order/1", 200, "{'status': 'processing'}", .retry_after = 90 },
        { "order/1", 200, "{'status': 'valid', 'certificate': '@certificate/1'}" },
        { NULL }
    };
    Caller one = { "one" }, two = { "two" };
    Callers c;

    open_callers(&c, "", script);
    ASSERT_OK(call_with(&c, c.bed.body, &one));
    run(&c, 100);
    ASSERT_OK(call_with(&c, c.bed.body, &two));
    run(&c, 1000);
    ASSERT_FALSE(two.waiter);
    close_callers(&c, "deadline",
                  SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
                  "wait 60 s\n"
                  "order/1\n"
                  "wait 29.9 s\n"
                  "one: 503, retry 60: The CA has not completed the order yet. Post the same CSR "
                  "again later.\n"
                  "wait 30.1 s\n"
                  "order/1\n"
                  "certificate/1 as application/pem-certificate-chain\n"
                  "stored\n"
                  "two: issued\n");
}

/* The CA names a time of an hour. It is asked once a minute while clients wait, and they are told
 * when the next question is. */
static void test_long_wait(void)
{
    static const CaReply script[] = {
        { "finalize/1", 200, "{'status': 'processing'}", .retry_after = 3600 },
        { "order/1", 200, "{'status': 'processing'}", .retry_after = 86400 },
        { "order/1", 200, "{'status': 'processing'}", .retry_after = 86400 },
        { "order/1", 200, "{'status': 'valid', 'certificate': '@certificate/1'}" },
        { NULL },
    };
    Caller one = { "one" }, two = { "two" }, three = { "three" };
    Callers c;

    open_callers(&c, "", script);
    ASSERT_OK(call_with(&c, c.bed.body, &one));
    run(&c, 1000);
    ASSERT_OK(call_with(&c, c.bed.body, &two));
    run(&c, 30);
    ASSERT_OK(call_with(&c, c.bed.body, &three));
    run(&c, 1000);
    close_callers(&c, "a long wait",
                  SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
                  "wait 60 s\n"
                  "order/1\n"
                  "wait 29.9 s\n"
                  "one: 503, retry 60: The CA has not completed the order yet. Post the same CSR "
                  "again later.\n"
                  "wait 30.1 s\n"
                  "order/1\n"
                  "wait 60 s\n"
                  "order/1\n"
                  "certificate/1 as application/pem-certificate-chain\n"
                  "stored\n"
                  "two: issued\n"
                  "three: issued\n");
}

/* The same while it validates. */
static void test_long_validation(void)
{
    static const CaReply script[] = {
        { "challenge/1", 200, "{}", .retry_after = 3600 },
        { "authz/1", 200, AUTHZ },
        { "authz/1", 200, AUTHZ, .retry_after = 3600 },
        { "authz/1", 200, AUTHZ, .retry_after = 3600 },
        { NULL },
    };
    Caller one = { "one" }, two = { "two" };
    Callers c;

    open_callers(&c, "", script);
    ASSERT_OK(call_with(&c, c.bed.body, &one));
    run(&c, 1000);
    ASSERT_OK(call_with(&c, c.bed.body, &two));
    run(&c, 1000);
    close_callers(&c, "a long validation",
                  SEEN_PLACED "authz/1\n"
                              "challenge/1 {} (published)\n"
                              "wait 60 s\n"
                              "authz/1\n"
                              "wait 30 s\n"
                              "one: 503, retry 60: The CA has not completed the order yet. Post "
                              "the same CSR again later.\n"
                              "wait 30 s\n"
                              "authz/1\n"
                              "wait 60 s\n"
                              "authz/1\n" SEEN_FINALIZED
                              "certificate/1 as application/pem-certificate-chain\n"
                              "stored\n"
                              "two: issued\n");
}

static void test_trouble_at_deadline(const char *name, const CaReply *script, const char *seen)
{
    Caller one = { "one" };
    Callers c;

    open_callers(&c, "", script);
    ASSERT_OK(call_with(&c, c.bed.body, &one));
    run(&c, 95);
    close_callers(&c, name, seen);
}

/* A caller is told when the order continues, whatever the CA's answer says. */
static void test_deadline_in_trouble(void)
{
    static const CaReply named[] = {
        { "finalize/1", 500, CA_PROBLEM("serverInternal"), .retry_after = 100 }, { NULL }
    };
    static const CaReply unnamed[] = { { "finalize/1", 429, CA_PROBLEM("rateLimited") },
                                       { "order/1", 429, CA_PROBLEM("rateLimited") },
                                       { "order/1", 429, "", .type = "text/plain" },
                                       { "order/1", 429, CA_PROBLEM("rateLimited") },
                                       { "order/1", 0 },
                                       { "order/1", 429, CA_PROBLEM("rateLimited") },
                                       { "order/1", 429, CA_PROBLEM("rateLimited") },
                                       { NULL } };
    static const CaReply week[] = {
        { "finalize/1", 429, CA_PROBLEM("rateLimited"), .retry_after = 7 * 86400 }, { NULL }
    };

    test_trouble_at_deadline("the CA names a time", named,
                             SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
                             "wait 89.9 s\n"
                             "one: 503, retry 11: The CA has an internal error. Try again later. "
                             "The CA said: serverInternal: No.\n");
    test_trouble_at_deadline("the CA names no time", unnamed,
                             SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
                             "wait 1 s\norder/1\nwait 2 s\norder/1\nwait 4 s\norder/1\n"
                             "wait 8 s\norder/1\nwait 16 s\norder/1\nwait 32 s\norder/1\n"
                             "wait 26.9 s\n"
                             "one: 429, retry 38: The CA limits the rate of certificates. Try "
                             "again later. The CA said: rateLimited: No.\n");
    test_trouble_at_deadline("the CA names a week", week,
                             SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
                             "wait 89.9 s\n"
                             "one: 429, retry 3511: The CA limits the rate of certificates. Try "
                             "again later. The CA said: rateLimited: No.\n");
}

/* Trouble of this machine needs its administrator: nobody waits for that. */
static void test_local_trouble(void)
{
    Caller one = { "one" };
    Callers c;

    open_callers(&c, "", NULL);
    ASSERT_OK(call_with(&c, c.bed.body, &one));
    run(&c, 0); /* until the CA validates */
    {
        _cleanup_free_ char *orders = test_path(c.bed.state, "orders");
        _cleanup_free_ char *aside = test_path(c.bed.state, "aside");

        ASSERT_OK(rename(orders, aside));
        test_write(c.bed.state, "orders", "no directory");
        run(&c, 2);
        ASSERT_OK(unlink(orders));
        ASSERT_OK(rename(aside, orders));
    }
    ASSERT_FALSE(one.waiter);
    run(&c, 1000);
    close_callers(
        &c, "trouble of this machine",
        SEEN_PLACED SEEN_VALIDATED
        "one: 500: The server failed to write its state directory. The server's journal says why.\n"
        "wait 1 s\n"
        "wait 2 s\n"
        "order/1\n"
        "authz/1\n" SEEN_FINALIZED "certificate/1 as application/pem-certificate-chain\n"
        "stored\n");
}

static void test_too_many(void)
{
    static Caller callers[ORDERS_WAITERS_MAX + 1];
    Callers c;

    open_callers(&c, "", NULL);
    for (size_t i = 0; i < ORDERS_WAITERS_MAX; i++)
        ASSERT_OK(call_with(&c, c.bed.body, &callers[i]));
    ASSERT_EQ(call_with(&c, c.bed.body, &callers[ORDERS_WAITERS_MAX]), -EUSERS);
    callers[7].waiter = orders_waiter_cancel(callers[7].waiter);
    ASSERT_OK(call_with(&c, c.bed.body, &callers[7]));
    /* Nobody is told when all end. */
    close_callers(&c, "too many", "");
}

/* An order that waits for its names ends with the last of its callers, one that has begun does not.
 */
static void test_callers_leave(void)
{
    Caller one = { "one" }, two = { "two" }, three = { "three" };
    Callers c;

    open_callers(&c, "", NULL);
    ASSERT_OK(call_with(&c, c.bed.body, &one));
    ASSERT_OK(call_with(&c, c.other, &two));
    ASSERT_OK(call_with(&c, c.other, &three));
    two.waiter = orders_waiter_cancel(two.waiter);
    one.waiter = orders_waiter_cancel(one.waiter);
    ASSERT_EQ(orders_in_flight(c.orders), 2);
    n_changes = 0;
    three.waiter = orders_waiter_cancel(three.waiter);
    ASSERT_EQ(orders_in_flight(c.orders), 1);
    ASSERT_EQ(n_changes, 1);
    close_callers(&c, "callers leave", "");
}

/* Each order keeps its request, and one client cannot have all the memory. */
static void test_too_large(void)
{
    size_t size = CROWD_BYTES_MAX / CROWD_CLIENT_PART + 1;
    _cleanup_free_ char *padded = malloc(size + 1);
    Caller one = { "one" };
    Callers c;

    open_callers(&c, "", NULL);
    ASSERT_TRUE(padded);
    memset(padded, '\n', size);
    padded[size] = '\0';
    memcpy(padded, c.bed.body, strlen(c.bed.body));
    ASSERT_EQ(call_with(&c, padded, &one), -EBUSY);
    ASSERT_EQ(orders_in_flight(c.orders), 0);
    close_callers(&c, "too large",
                  "one: 429: This client has too many orders in progress on the server (0). Try "
                  "again when some of them have ended.\n");
}

/* Without a storage the chain is handed out once: to those who wait, or to the next one. */
static void test_kept(bool is_awaited)
{
    Caller one = { "one" };
    Callers c;

    open_callers(&c, "storage = nowhere\n", NULL);
    ASSERT_OK(call_with(&c, c.bed.body, &one));
    run(&c, 0);
    if (!is_awaited)
        one.waiter = orders_waiter_cancel(one.waiter);
    run(&c, 1000);
    ASSERT_EQ(bed_has_record(&c.bed), !is_awaited);
    orders_resume(c.orders, c.bed.config);
    ASSERT_EQ(orders_in_flight(c.orders), 0);
    ASSERT_EQ(bed_has_record(&c.bed), !is_awaited);
    trace_clear();
    close_callers(&c, "kept", "");
}

int main(void)
{
    test_same_request();
    test_same_names();
    test_deadline();
    test_long_wait();
    test_long_validation();
    test_deadline_in_trouble();
    test_local_trouble();
    test_too_many();
    test_callers_leave();
    test_too_large();
    test_kept(true);
    test_kept(false);
    return EXIT_SUCCESS;
}
