/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admission/turns.h"

#include <sys/socket.h>

#include "test.h"

static const Source a = { AF_INET, { 192, 0, 2, 1 } }, b = { AF_INET, { 192, 0, 2, 2 } },
                    c = { AF_INET6, { 0x20, 1 } };

/* Descriptors that no process has: the table only closes them. */
#define FD(n) (100000 + (n))

static Turns *make(unsigned source_max, size_t waiting_max)
{
    Turns *turns = NULL;

    ASSERT_OK(turns_new(source_max, waiting_max, &turns));
    return turns;
}

static void enter(Turns *turns, const Source *source, int n)
{
    ASSERT_EQ(turns_enter(turns, source, FD(n), &(Turn){ 0 }), 0);
}

static Turn expect(Turns *turns, int n)
{
    Turn turn = { 0 };

    ASSERT_TRUE(turns_take(turns, &turn));
    ASSERT_EQ(turn.fd, FD(n));
    return turn;
}

static void expect_none(Turns *turns)
{
    ASSERT_TRUE(!turns_take(turns, &(Turn){ 0 }));
}

/* A source at its limit waits, and the others do not notice. */
static void test_limit(void)
{
    _cleanup_(turns_freep) Turns *turns = make(2, 10);
    Turn first, other;

    for (int i = 0; i < 4; i++)
        enter(turns, &a, i);
    first = expect(turns, 0);
    expect(turns, 1);
    expect_none(turns);
    enter(turns, &b, 4);
    other = expect(turns, 4);
    ASSERT_TRUE(source_equal(&other.source, &b));
    expect_none(turns);
    ASSERT_EQ(turns_waiting(turns), 2);
    turns_end(turns, first.holder);
    expect(turns, 2);
    expect_none(turns);
}

/* A place goes to the source that has the fewest, whoever came first; then to the oldest. */
static void test_fewest_first(void)
{
    _cleanup_(turns_freep) Turns *turns = make(3, 10);

    enter(turns, &a, 0);
    enter(turns, &a, 1);
    enter(turns, &b, 2);
    enter(turns, &b, 3);
    enter(turns, &c, 4);
    for (unsigned i = 0; i < 3; i++) { /* one of each source */
        Turn turn = { 0 };

        ASSERT_TRUE(turns_take(turns, &turn));
        ASSERT_TRUE(turn.fd != FD(1) && turn.fd != FD(3));
    }
    for (unsigned i = 0; i < 2; i++)
        ASSERT_TRUE(turns_take(turns, &(Turn){ 0 }));
    expect_none(turns);
}

/* When too many wait, the newest connection of the source leaves that has the most. */
static void test_overflow(void)
{
    _cleanup_(turns_freep) Turns *turns = make(1, 3);
    Turn turn = { 0 };

    for (int i = 0; i < 3; i++)
        enter(turns, &a, i);
    ASSERT_EQ(turns_enter(turns, &a, FD(3), &turn), 1);
    ASSERT_EQ(turn.fd, FD(3));
    ASSERT_TRUE(!turn.holder);
    ASSERT_EQ(turns_enter(turns, &b, FD(4), &turn), 1);
    ASSERT_EQ(turn.fd, FD(2));
    ASSERT_TRUE(source_equal(&turn.source, &a));
    ASSERT_EQ(turns_enter(turns, &c, FD(5), &turn), 1);
    ASSERT_EQ(turn.fd, FD(1));
    ASSERT_EQ(turns_waiting(turns), 3);
}

/* A source with no connection left starts anew. */
static void test_forgotten(void)
{
    _cleanup_(turns_freep) Turns *turns = make(1, 10);

    for (int i = 0; i < 3; i++) {
        enter(turns, &a, i);
        turns_end(turns, expect(turns, i).holder);
    }
    ASSERT_EQ(turns_waiting(turns), 0);
}

static bool is_closed(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void make_pair(int pair[2])
{
    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
}

/* A client that has sent something may wait; one that left is forgotten, and so is a silent one. */
static void test_expired(void)
{
    _cleanup_(turns_freep) Turns *turns = make(1, 10);
    int speaking[2], silent[2], gone[2];
    usec_t deadline = now_monotonic() + 30 * USEC_PER_SEC;
    Turn turn = { 0 };

    make_pair(speaking);
    make_pair(silent);
    make_pair(gone);
    ASSERT_EQ(write(speaking[1], "x", 1), 1);
    (void)close(gone[1]);
    ASSERT_EQ(turns_enter(turns, &a, speaking[0], &turn), 0);
    ASSERT_EQ(turns_enter(turns, &a, silent[0], &turn), 0);
    ASSERT_EQ(turns_enter(turns, &b, gone[0], &turn), 0);
    ASSERT_TRUE(!turns_take_expired(turns, TURNS_WAIT_MAX, &turn));
    ASSERT_EQ(turns_waiting(turns), 3);
    while (turns_waiting(turns) > 1) {
        ASSERT_TRUE(now_monotonic() < deadline);
        ASSERT_TRUE(!turns_take_expired(turns, 1000 * USEC_PER_SEC, &turn));
        (void)usleep(10000);
    }
    ASSERT_TRUE(is_closed(silent[1]));
    ASSERT_TRUE(turns_take_expired(turns, TURNS_SILENT_MAX, &turn));
    ASSERT_EQ(turn.fd, speaking[0]);
    ASSERT_TRUE(!turns_take_expired(turns, TURNS_SILENT_MAX, &turn));
    (void)close(speaking[0]);
    (void)close(speaking[1]);
    (void)close(silent[1]);
}

static void test_close(void)
{
    Turns *turns = make(1, 10);
    int pair[2];
    Turn turn;

    make_pair(pair);
    ASSERT_EQ(turns_enter(turns, &a, pair[0], &turn), 0);
    turns_free(turns);
    ASSERT_TRUE(is_closed(pair[1]));
    (void)close(pair[1]);
}

int main(void)
{
    test_limit();
    test_fewest_first();
    test_overflow();
    test_forgotten();
    test_expired();
    test_close();
    return EXIT_SUCCESS;
}
