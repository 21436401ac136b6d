/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/relay.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/io.h"
#include "test.h"

#define LONG (60 * USEC_PER_SEC)
#define SOON (50 * USEC_PER_MSEC)

/* The outer ends, and the two sockets that the relay joins. */
typedef struct Bed {
    int a[2], b[2], stop[2];
} Bed;

static void bed_new(Bed *bed)
{
    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, bed->a));
    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, bed->b));
    ASSERT_OK(pipe(bed->stop));
}

static void bed_done(Bed *bed)
{
    for (size_t i = 0; i < 2; i++) {
        (void)safe_close(bed->a[i]);
        (void)safe_close(bed->b[i]);
        (void)safe_close(bed->stop[i]);
    }
}

static int run_with(const Bed *bed, RelayLimits limits, usec_t stop_idle, usec_t stop_timeout)
{
    Stop stop = { bed->stop[0], stop_idle, stop_timeout, USEC_INFINITY };

    limits.stop = &stop;
    return relay_run(bed->a[1], bed->b[1], &limits);
}

static int run_stopping(const Bed *bed, usec_t stop_idle, usec_t stop_timeout)
{
    return run_with(bed, (RelayLimits){ LONG, LONG, NULL }, stop_idle, stop_timeout);
}

static int run(const Bed *bed, usec_t idle, usec_t half_idle)
{
    return run_with(bed, (RelayLimits){ idle, half_idle, NULL }, LONG, LONG);
}

static void send_text(int fd, const char *text)
{
    ASSERT_EQ(write(fd, text, strlen(text)), strlen(text));
}

static void assert_received(int fd, const char *expected)
{
    char text[64];
    ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

    ASSERT_TRUE(n >= 0);
    text[n] = '\0';
    ASSERT_STREQ(text, expected);
}

static void test_both_ways(void)
{
    Bed bed;

    bed_new(&bed);
    send_text(bed.a[0], "there");
    send_text(bed.b[0], "and back");
    ASSERT_OK(shutdown(bed.a[0], SHUT_WR));
    ASSERT_OK(shutdown(bed.b[0], SHUT_WR));
    ASSERT_OK(run(&bed, LONG, LONG));
    assert_received(bed.b[0], "there");
    assert_received(bed.b[0], "");
    assert_received(bed.a[0], "and back");
    assert_received(bed.a[0], "");
    bed_done(&bed);
}

static void test_idle(void)
{
    Bed bed;

    bed_new(&bed);
    send_text(bed.a[0], "there");
    ASSERT_EQ(run(&bed, SOON, LONG), -ETIMEDOUT);
    assert_received(bed.b[0], "there");
    bed_done(&bed);
}

/* One side has closed or sent its end of file, and the other one ignores it. */
static void test_idle_half(void)
{
    static const bool closes[] = { true, false };

    for (size_t i = 0; i < ELEMENTSOF(closes); i++)
        for (size_t side = 0; side < 2; side++) {
            Bed bed;
            int *ends, *ignores;

            bed_new(&bed);
            ends = side == 0 ? bed.a : bed.b;
            ignores = side == 0 ? bed.b : bed.a;
            send_text(ends[0], "bye");
            if (closes[i])
                ends[0] = safe_close(ends[0]);
            else
                ASSERT_OK(shutdown(ends[0], SHUT_WR));
            ASSERT_EQ(run(&bed, LONG, SOON), -ETIMEDOUT);
            assert_received(ignores[0], "bye");
            assert_received(ignores[0], "");
            bed_done(&bed);
        }
}

static void fill(int fd)
{
    static const char piece[4096];

    while (send(fd, piece, sizeof(piece), MSG_DONTWAIT) > 0)
        ;
    ASSERT_EQ(errno, EAGAIN);
}

/* The end of file comes after more data than the other side takes. */
static void test_idle_before_an_end(void)
{
    Bed bed;

    bed_new(&bed);
    fill(bed.a[1]);
    fill(bed.b[0]);
    bed.b[0] = safe_close(bed.b[0]);
    ASSERT_EQ(run(&bed, LONG, SOON), -ETIMEDOUT);
    bed_done(&bed);
}

/* Sends some data at intervals, for longer than the limit, then ends. */
static _Noreturn void talk_slowly(int fd)
{
    for (size_t i = 0; i < 20; i++) {
        (void)poll(NULL, 0, (int)(SOON / USEC_PER_MSEC));
        if (write(fd, "x", 1) != 1)
            break;
    }
    _exit(EXIT_SUCCESS);
}

/* Data is forwarded as long as it keeps coming. */
static void test_half_but_not_idle(void)
{
    Bed bed;
    pid_t child;

    bed_new(&bed);
    ASSERT_OK(shutdown(bed.a[0], SHUT_WR));
    child = fork();
    ASSERT_TRUE(child >= 0);
    if (child == 0) {
        (void)close(bed.a[0]);
        talk_slowly(bed.b[0]);
    }
    bed.b[0] = safe_close(bed.b[0]);
    ASSERT_OK(run(&bed, LONG, 15 * SOON));
    assert_received(bed.a[0], "xxxxxxxxxxxxxxxxxxxx");
    ASSERT_EQ(waitpid(child, NULL, 0), child);
    bed_done(&bed);
}

/* Data that has already arrived is forwarded. */
static void test_stop_while_idle(void)
{
    Bed bed;

    bed_new(&bed);
    send_text(bed.a[0], "there");
    send_text(bed.stop[1], "x");
    ASSERT_EQ(run_stopping(&bed, SOON, LONG), -ETIMEDOUT);
    assert_received(bed.b[0], "there");
    bed_done(&bed);
}

/* Echoes its input until the peer is gone. */
static _Noreturn void echo(int fd)
{
    char c;

    while (read(fd, &c, 1) == 1 && write(fd, &c, 1) == 1)
        ;
    _exit(EXIT_SUCCESS);
}

/* Two peers that never stop sending. */
static void test_stop_while_busy(void)
{
    Bed bed;
    pid_t children[2];

    bed_new(&bed);
    for (size_t i = 0; i < ELEMENTSOF(children); i++) {
        children[i] = fork();
        ASSERT_TRUE(children[i] >= 0);
        if (children[i] == 0)
            echo(i == 0 ? bed.a[0] : bed.b[0]);
    }
    send_text(bed.a[0], "x");
    send_text(bed.stop[1], "x");
    ASSERT_EQ(run_stopping(&bed, LONG, SOON), -ETIMEDOUT);
    ASSERT_OK(shutdown(bed.a[1], SHUT_RDWR));
    ASSERT_OK(shutdown(bed.b[1], SHUT_RDWR));
    for (size_t i = 0; i < ELEMENTSOF(children); i++)
        ASSERT_EQ(waitpid(children[i], NULL, 0), children[i]);
    bed_done(&bed);
}

/* A peer that no longer reads may still have sent data. */
static void test_gone(void)
{
    Bed bed;

    bed_new(&bed);
    send_text(bed.b[0], "last words");
    bed.b[0] = safe_close(bed.b[0]);
    send_text(bed.a[0], "not read");
    ASSERT_OK(shutdown(bed.a[0], SHUT_WR));
    (void)run(&bed, LONG, LONG);
    assert_received(bed.a[0], "last words");
    bed_done(&bed);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    test_both_ways();
    test_idle();
    test_idle_half();
    test_idle_before_an_end();
    test_half_but_not_idle();
    test_stop_while_idle();
    test_stop_while_busy();
    test_gone();
    return 0;
}
