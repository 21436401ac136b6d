/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/holds.h"

#include "limits/budget.h"
#include "statedir/ledger.h"
#include "statedir/pause.h"
#include "test-directory.h"
#include "test.h"

static char server[] = "https://ca.example/dir", account[] = "/account", first[] = "a.example.org",
            second[] = "*.b.example.net", set[] = "*.b.example.net a.example.org", block[] = "web";
static char *const names[] = { first, second, NULL };

static Config config;
static AccountBlock account_block = { .server = server, .directory = account };
static AuthBlock auth = { .name = block };
static const OrderContext context = { .config = &config,
                                      .account = &account_block,
                                      .auth = &auth,
                                      .client = "192.0.2.7",
                                      .names = names,
                                      .set = set };

static char elsewhere[] = "c.example.com", below[] = "d.b.example.net";
static char *const other_names[] = { elsewhere, NULL }, *const below_names[] = { below, NULL };

/* Another client, which orders other names. */
static OrderContext other(char *const *list)
{
    return (OrderContext){ .config = &config,
                           .account = &account_block,
                           .auth = &auth,
                           .client = "192.0.2.8",
                           .names = list,
                           .set = list[0] };
}

static bool allows(const OrderContext *by, Failure *ret)
{
    return holds_allows(by, ret) && budget_allows(by, ret);
}

static void assert_free(const OrderContext *by)
{
    Failure failure = { 0 };

    ASSERT_TRUE(allows(by, &failure));
    ASSERT_EQ(failure.status, 0);
}

/* Returns the remaining seconds. */
static unsigned assert_held(const OrderContext *by, int status, const char *why)
{
    Failure failure = { 0 };
    unsigned left;

    ASSERT_FALSE(allows(by, &failure));
    ASSERT_EQ(failure.event, LOG_EVENT_ORDER_HELD_BACK);
    ASSERT_EQ(failure.status, status);
    ASSERT_TRUE(strstr(failure.reason, why));
    left = failure.retry_after;
    /* A refusal by a hold is no answer of the CA. */
    holds_note_failure(by, &failure);
    failure_done(&failure);
    return left;
}

static void assert_about(unsigned left, unsigned expected)
{
    ASSERT_TRUE(left + 5 >= expected && left <= expected + expected / 4 + 1);
}

static Failure told(int status, const char *problem, unsigned pause, const char *said)
{
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ORDER_FAILED_AT_CA, status, pause, "%s", said);
    failure_set_type(&failure, problem);
    failure.pause = pause;
    return failure;
}

static void test_rate_limits(void)
{
    static const struct {
        const char *said;
        PauseKind kind;
        const char *what;
        bool holds_below, holds_other;
    } table[] = {
        { "too many new orders (300) from this account", PAUSE_ACCOUNT, account, true, true },
        { "too many certificates (50) already issued for \"example.net\"", PAUSE_DOMAIN,
          "example.net", true, false },
        { "too many certificates (5) already issued for this exact set of identifiers", PAUSE_NAMES,
          set, false, false },
        { "too many failed authorizations (5) for \"b.example.net\"", PAUSE_NAME, "b.example.net",
          false, false },
        { "service busy", PAUSE_SERVER, "", true, true },
        { "something new", PAUSE_NAMES, set, false, false },
    };
    const OrderContext strange = other(other_names), deeper = other(below_names);

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Failure failure = told(429, "rateLimited", 1000, table[i].said);

        assert_free(&context);
        holds_note_failure(&context, &failure);
        assert_about(assert_held(&context, 429, table[i].said), 1000);
        if (table[i].holds_below)
            (void)assert_held(&deeper, 429, table[i].said);
        else
            assert_free(&deeper);
        if (table[i].holds_other)
            (void)assert_held(&strange, 429, table[i].said);
        else
            assert_free(&strange);
        ASSERT_OK(pause_remove(config.state_directory, table[i].kind, server, table[i].what));
        failure_done(&failure);
    }
    assert_free(&context);
}

/* A limit of a domain holds for names of any depth. */
static void test_deep_names(void)
{
    static char name[] = "a.b.c.d.e.f.g.h.i.j.k.example.net";
    static char *const deep_names[] = { name, NULL };
    const OrderContext deep = other(deep_names);
    Failure failure = told(429, "rateLimited", 1000,
                           "too many certificates (50) already issued for \"example.net\"");

    holds_note_failure(&context, &failure);
    (void)assert_held(&deep, 429, "example.net");
    ASSERT_OK(pause_remove(config.state_directory, PAUSE_DOMAIN, server, "example.net"));
    assert_free(&deep);
    failure_done(&failure);
}

static void test_passing_failures(void)
{
    Failure busy = told(503, NULL, 77, "come back later"), plain = told(503, NULL, 0, "a fault"),
            refused = told(403, "rejectedIdentifier", 0, "no");

    holds_note_failure(&context, &plain);
    holds_note_failure(&context, &refused);
    assert_free(&context);
    holds_note_failure(&context, &busy);
    ASSERT_TRUE(assert_held(&context, 503, "come back later") <= 77);
    ASSERT_OK(pause_remove(config.state_directory, PAUSE_SERVER, server, ""));
    /* One answer does not stop everything for a day, and the way out is named. */
    busy.pause = 86400;
    holds_note_failure(&context, &busy);
    assert_about(assert_held(&context, 503, "'acmemsctl clear --all' on the server ends"), 3600);
    ASSERT_OK(pause_remove(config.state_directory, PAUSE_SERVER, server, ""));
    failure_done(&busy);
    failure_done(&plain);
    failure_done(&refused);
}

/* Moves the hold into the past, as if this time had passed. */
static void put_back(const char *name, time_t seconds)
{
    Pause pause = { 0 };

    ASSERT_OK(pause_load(config.state_directory, PAUSE_NAME, server, name, time(NULL), &pause));
    pause.until -= seconds;
    ASSERT_OK(pause_save(config.state_directory, &pause));
    pause_done(&pause);
}

static void test_names_that_fail(void)
{
    Failure failure = told(421, "connection", 0, "nobody is there");
    const OrderContext strange = other(other_names);

    holds_note_invalid(&context, elsewhere, &failure);
    assert_free(&strange);
    for (unsigned expected = HOLD_FIRST; expected < HOLD_MAX; expected *= 2) {
        unsigned left;

        holds_note_invalid(&context, "b.example.net", &failure);
        left = assert_held(&context, 421, "nobody is there");
        assert_about(left, expected);
        /* Failures of orders that were in progress already do not count again. */
        holds_note_invalid(&context, "b.example.net", &failure);
        assert_about(assert_held(&context, 421, "nobody is there"), expected);
        put_back("b.example.net", 2 * expected);
        assert_free(&context);
    }
    for (unsigned i = 0; i < 40; i++) {
        holds_note_invalid(&context, "b.example.net", &failure);
        assert_about(assert_held(&context, 421, "nobody is there"), HOLD_MAX);
        put_back("b.example.net", 2 * HOLD_MAX - 3600);
    }
    assert_free(&strange);

    /* A success clears the hold and its count. */
    holds_note_valid(&context, "b.example.net");
    assert_free(&context);
    holds_note_invalid(&context, "b.example.net", &failure);
    assert_about(assert_held(&context, 421, "nobody is there"), HOLD_FIRST);
    holds_note_valid(&context, "b.example.net");
    failure_done(&failure);
}

/* After a failure of our own DNS servers the name is retried soon, and its count at the CA stays.
 */
static void test_unpublished(void)
{
    Failure own = { 0 }, at_ca = { 0 };

    failure_set(&own, LOG_EVENT_CHALLENGE_NOT_PUBLISHED, 421, 0, "192.0.2.53: REFUSED");
    failure_set(&at_ca, LOG_EVENT_ORDER_FAILED_AT_CA, 421, 0, "nobody is there");
    for (unsigned i = 0; i < 5; i++) {
        unsigned left;

        holds_note_invalid(&context, "b.example.net", &own);
        left = assert_held(&context, 421, "192.0.2.53: REFUSED");
        ASSERT_TRUE(left <= HOLD_UNPUBLISHED);
        put_back("b.example.net", 2 * HOLD_UNPUBLISHED);
        assert_free(&context);
    }
    holds_note_invalid(&context, "b.example.net", &at_ca);
    assert_about(assert_held(&context, 421, "nobody is there"), HOLD_FIRST);
    holds_note_valid(&context, "b.example.net");
    failure_done(&own);
    failure_done(&at_ca);
}

static void test_budgets(void)
{
    const OrderContext strange = other(other_names);
    OrderContext resumed = context;

    resumed.is_charged = true;
    account_block.orders_per_3h = 3;
    budget_note_order(&context);
    budget_note_order(&strange);
    assert_free(&context);
    budget_note_order(&context);
    assert_about(assert_held(&strange, 429, "orders-per-3h = 3"), 3 * 3600);
    account_block.orders_per_3h = 0;
    assert_free(&strange);

    account_block.duplicate_certificates_per_week = 1;
    budget_note_certificate(&context);
    assert_about(assert_held(&context, 429, "duplicate-certificates-per-week = 1"), 7 * 86400);
    assert_free(&strange);
    account_block.duplicate_certificates_per_week = 0;

    auth.orders_per_day = 1;
    assert_free(&context);
    budget_note_order(&context);
    assert_about(assert_held(&context, 429, "orders-per-day = 1"), 86400);
    assert_free(&strange);
    assert_free(&resumed);
    auth.orders_per_day = 0;
}

/* An unreadable or unwritable state directory delays no order. */
static void test_broken_state(void)
{
    Failure failure = told(421, "connection", 0, "nobody is there");
    char nowhere[] = "/proc/nowhere";

    config.state_directory = nowhere;
    account_block.orders_per_3h = 1;
    holds_note_invalid(&context, "b.example.net", &failure);
    holds_note_valid(&context, "b.example.net");
    budget_note_order(&context);
    holds_sweep(config.state_directory);
    assert_free(&context);
    failure_done(&failure);
}

int main(void)
{
    _cleanup_test_directory_ char *state = test_directory_new();

    config.state_directory = state;
    test_rate_limits();
    test_deep_names();
    test_passing_failures();
    test_names_that_fail();
    test_unpublished();
    test_budgets();
    holds_sweep(state);
    test_broken_state();
    return EXIT_SUCCESS;
}
