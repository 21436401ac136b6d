/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log/log-throttle.h"

#include <poll.h>
#include <sys/wait.h>

#include "test.h"

#define LONG (3600 * USEC_PER_SEC)
#define SOON (20 * USEC_PER_MSEC)

static void test_one_in_a_while(void)
{
    _cleanup_(log_throttle_freep) LogThrottle *throttle = NULL;
    usec_t started = now_monotonic();
    uint64_t held = 99, n = 0;

    ASSERT_OK(log_throttle_new(SOON, &throttle));
    ASSERT_TRUE(log_throttle_pass(throttle, &held));
    ASSERT_EQ(held, 0);
    while (!log_throttle_pass(throttle, &held))
        n++;
    ASSERT_TRUE(now_monotonic() - started >= SOON);
    ASSERT_EQ(held, n);
    ASSERT_EQ(log_throttle_take_held(throttle), 0);
}

static void test_what_is_left(void)
{
    _cleanup_(log_throttle_freep) LogThrottle *throttle = NULL;
    uint64_t held = 99;

    ASSERT_OK(log_throttle_new(LONG, &throttle));
    for (size_t i = 0; i < 5; i++)
        ASSERT_EQ(log_throttle_pass(throttle, &held), i == 0);
    ASSERT_EQ(held, 0);
    ASSERT_EQ(log_throttle_take_held(throttle), 4);
    ASSERT_EQ(log_throttle_take_held(throttle), 0);
}

/* Returns how often an entry passed. Puts back the suppressed entries that it took from the others.
 */
static int pass_often(LogThrottle *throttle, size_t times)
{
    uint64_t held = 0;
    int n = 0;

    for (size_t i = 0; i < times; i++)
        n += log_throttle_pass(throttle, &held);
    for (uint64_t i = 0; i < held; i++)
        n += log_throttle_pass(throttle, &(uint64_t){ 0 });
    return n;
}

/* One of all processes passes, and every other one is counted. */
static void test_shared(void)
{
    enum { PROCESSES = 8, TIMES = 1000 };
    _cleanup_(log_throttle_freep) LogThrottle *throttle = NULL;
    unsigned passed = 0;

    ASSERT_OK(log_throttle_new(LONG, &throttle));
    for (size_t i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            _exit(pass_often(throttle, TIMES));
    for (size_t i = 0; i < PROCESSES; i++) {
        int status;

        ASSERT_TRUE(wait(&status) > 0);
        passed += (unsigned)WEXITSTATUS(status);
    }
    ASSERT_EQ(passed, 1);
    ASSERT_EQ(log_throttle_take_held(throttle), PROCESSES * TIMES - 1);
}

int main(void)
{
    test_one_in_a_while();
    test_what_is_left();
    test_shared();
    return 0;
}
