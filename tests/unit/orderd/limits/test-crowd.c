/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/crowd.h"

#include "test.h"

static unsigned client_share = 25;

/* Asks for room for an order of this client and block, beside @n others. */
static int ask(const char *client, const char *auth, size_t bytes, const CrowdMember *others,
               size_t n, bool is_shared)
{
    AccountBlock account = { .client_share = client_share, .auth_share = is_shared ? 50 : 0 };
    const AccountBlock *accounts[] = { &account };
    const AuthBlock block = { .accounts = accounts, .n_accounts = 1 };
    const Config config = { .n_auth = 2 };
    Crowd crowd = { 0 };
    Failure failure = { 0 };
    CrowdMember own;
    int status;

    crowd_member_init(&own, client, !client, auth, bytes);
    for (size_t i = 0; i < n; i++)
        crowd_count(&crowd, &own, &others[i]);
    ASSERT_EQ(crowd_has_room(&crowd, &own, &config, &block, &failure), failure.status == 0);
    status = failure.status;
    failure_done(&failure);
    return status;
}

static CrowdMember others[CROWD_ORDERS_MAX];

/* @n orders of one client, then the others of as many clients. */
static void fill(size_t n, const char *auth, size_t bytes)
{
    for (size_t i = 0; i < ELEMENTSOF(others); i++) {
        char client[32];

        (void)snprintf(client, sizeof(client), "10.%zu.%zu.1", i / 200, i % 200);
        crowd_member_init(&others[i], i < n ? "2001:db8::1" : client, false, auth, bytes);
    }
}

static void test_numbers(void)
{
    const size_t client_max = CROWD_ORDERS_MAX / CROWD_CLIENT_PART,
                 auth_max = CROWD_ORDERS_MAX / CROWD_AUTH_PART;

    fill(client_max, "web", 1);
    ASSERT_EQ(ask("2001:db8::2", "mail", 1, others, client_max - 1, true), 0);
    /* The same /64. */
    ASSERT_EQ(ask("2001:db8::2", "mail", 1, others, client_max, true), 429);
    ASSERT_EQ(ask("2001:db8:1::2", "web", 1, others, client_max, true), 0);
    ASSERT_EQ(ask("192.0.2.1", "web", 1, others, auth_max - 1, true), 0);
    ASSERT_EQ(ask("192.0.2.1", "web", 1, others, auth_max, true), 429);
    ASSERT_EQ(ask("192.0.2.1", "mail", 1, others, auth_max, true), 0);
    /* The only block has all of it. */
    ASSERT_EQ(ask("192.0.2.1", "web", 1, others, auth_max, false), 0);
    ASSERT_EQ(ask("192.0.2.1", "web", 1, others, CROWD_ORDERS_MAX - 1, false), 0);
    ASSERT_EQ(ask("192.0.2.1", "web", 1, others, CROWD_ORDERS_MAX, false), 503);
    /* All hosts behind a front server are one client. */
    client_share = 100;
    ASSERT_EQ(ask("2001:db8::2", "mail", 1, others, client_max, true), 0);
    client_share = 25;
    /* Prefetch is no client, but belongs to a block. */
    ASSERT_EQ(ask(NULL, "mail", 1, others, client_max, true), 0);
    ASSERT_EQ(ask(NULL, "web", 1, others, auth_max, true), 429);
}

static void test_bytes(void)
{
    const size_t part = CROWD_BYTES_MAX / CROWD_CLIENT_PART / 2;

    fill(4, "web", part);
    ASSERT_EQ(ask("2001:db8::2", "mail", part, others, 1, true), 0);
    ASSERT_EQ(ask("2001:db8::2", "mail", part + 1, others, 1, true), 429);
    ASSERT_EQ(ask("192.0.2.1", "web", part, others, 3, true), 0);
    ASSERT_EQ(ask("192.0.2.1", "web", part, others, 4, true), 429);
    ASSERT_EQ(ask("192.0.2.1", "mail", part, others, 7, true), 0);
    ASSERT_EQ(ask("192.0.2.1", "mail", part, others, 8, true), 503);
}

int main(void)
{
    test_numbers();
    test_bytes();
    return EXIT_SUCCESS;
}
