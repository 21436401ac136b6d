/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/stop.h"

#include <signal.h>

#include "test.h"

#define LONG (60 * USEC_PER_SEC)
#define SOON (50 * USEC_PER_MSEC)

/* One descriptor for data and one for the stop. */
typedef struct Bed {
    int fds[2], stop[2];
} Bed;

static void bed_new(Bed *bed)
{
    ASSERT_OK(pipe(bed->fds));
    ASSERT_OK(pipe(bed->stop));
}

static void bed_done(const Bed *bed)
{
    for (size_t i = 0; i < 2; i++) {
        (void)close(bed->fds[i]);
        (void)close(bed->stop[i]);
    }
}

static void say(int fd)
{
    ASSERT_EQ(write(fd, "x", 1), 1);
}

static int wait_until(const Bed *bed, Stop *stop, usec_t timeout)
{
    return stop_wait(stop, bed->fds[0], POLLIN, now_monotonic() + timeout);
}

static void test_no_stop(void)
{
    Bed bed;
    Stop stop;

    bed_new(&bed);
    stop = (Stop){ bed.stop[0], 0, 0, USEC_INFINITY };
    ASSERT_EQ(wait_until(&bed, &stop, SOON), -ETIMEDOUT);
    say(bed.fds[1]);
    ASSERT_OK(wait_until(&bed, &stop, LONG));
    stop.fd = -EBADF;
    ASSERT_OK(wait_until(&bed, &stop, LONG));
    bed_done(&bed);
}

/* The idle timeout counts for each wait, however often data came. */
static void test_idle(void)
{
    Bed bed;
    Stop stop;

    bed_new(&bed);
    stop = (Stop){ bed.stop[0], SOON, LONG, USEC_INFINITY };
    say(bed.stop[1]);
    say(bed.fds[1]);
    ASSERT_OK(wait_until(&bed, &stop, LONG));
    ASSERT_OK(wait_until(&bed, &stop, LONG));
    ASSERT_EQ(read(bed.fds[0], (char[1]){ 0 }, 1), 1);
    ASSERT_EQ(wait_until(&bed, &stop, LONG), -ETIMEDOUT);
    bed_done(&bed);
}

/* The timeout counts for all waits together, even when each one has something to do. */
static void test_all(void)
{
    usec_t end = now_monotonic() + LONG;
    Bed bed;
    Stop stop;

    bed_new(&bed);
    stop = (Stop){ bed.stop[0], LONG, SOON, USEC_INFINITY };
    say(bed.stop[1]);
    say(bed.fds[1]);
    ASSERT_OK(wait_until(&bed, &stop, LONG));
    while (wait_until(&bed, &stop, LONG) == 0)
        ASSERT_TRUE(now_monotonic() < end);
    ASSERT_EQ(wait_until(&bed, &stop, LONG), -ETIMEDOUT);
    bed_done(&bed);
}

/* The earlier deadline still holds. */
static void test_deadline(void)
{
    Bed bed;
    Stop stop;

    bed_new(&bed);
    stop = (Stop){ bed.stop[0], LONG, LONG, USEC_INFINITY };
    say(bed.stop[1]);
    ASSERT_EQ(wait_until(&bed, &stop, SOON), -ETIMEDOUT);
    bed_done(&bed);
}

static void test_sigterm(void)
{
    struct pollfd poll_stop = { .events = POLLIN };
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    ASSERT_OK(sigprocmask(SIG_BLOCK, &signals, NULL));
    poll_stop.fd = stop_open_fd();
    ASSERT_TRUE(poll_stop.fd >= 0);
    ASSERT_EQ(poll(&poll_stop, 1, 0), 0);
    ASSERT_OK(raise(SIGTERM));
    ASSERT_EQ(poll(&poll_stop, 1, 0), 1);
    (void)close(poll_stop.fd);
}

int main(void)
{
    test_no_stop();
    test_idle();
    test_all();
    test_deadline();
    test_sigterm();
    return 0;
}
