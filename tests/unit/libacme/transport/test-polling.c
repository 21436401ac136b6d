/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/polling.h"

#include <limits.h>

#include "test.h"

/* Never less than requested, and at most a quarter more. */
static void assert_about(usec_t delay, usec_t expected)
{
    ASSERT_TRUE(delay >= expected && delay <= expected + expected / 4);
}

static void test_backoff(void)
{
    Backoff backoff = { 0 }, other = { 0 };
    bool spread = false;
    usec_t last;

    for (usec_t expected = BACKOFF_FIRST; expected < BACKOFF_MAX; expected *= 2)
        assert_about(backoff_next(&backoff, 0), expected);
    for (unsigned i = 0; i < 100; i++)
        assert_about(backoff_next(&backoff, 0), BACKOFF_MAX);

    /* A longer Retry-After of the CA counts. */
    assert_about(backoff_next(&other, 3600), 3600 * USEC_PER_SEC);
    assert_about(backoff_next(&other, 1), 2 * BACKOFF_FIRST);
    assert_about(backoff_next(&other, UINT_MAX), RETRY_AFTER_MAX * USEC_PER_SEC);

    /* Requests that fail together are not repeated together. */
    last = backoff_next(&backoff, 0);
    for (unsigned i = 0; i < 100; i++)
        spread |= backoff_next(&backoff, 0) != last;
    ASSERT_TRUE(spread);
}

static void test_spread(void)
{
    usec_t day = 24 * 3600 * USEC_PER_SEC;

    for (unsigned i = 0; i < 100; i++) {
        assert_about(backoff_spread(7 * day), 7 * day);
        assert_about(backoff_spread(1), 1);
    }
    ASSERT_EQ(backoff_spread(0), 0);
}

static void test_poll(void)
{
    Poll poll = { 0 };

    ASSERT_EQ(poll_next(&poll, 0), POLL_FIRST);
    ASSERT_EQ(poll_next(&poll, 7), 7 * USEC_PER_SEC);
    ASSERT_EQ(poll_next(&poll, UINT_MAX), RETRY_AFTER_MAX * USEC_PER_SEC);
    for (unsigned i = 0; i < 20; i++)
        (void)poll_next(&poll, 0);
    ASSERT_EQ(poll_next(&poll, 0), POLL_MAX);
}

int main(void)
{
    test_backoff();
    test_spread();
    test_poll();
    return EXIT_SUCCESS;
}
