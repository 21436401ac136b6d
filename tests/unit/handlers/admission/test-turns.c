/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admission/turns.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "test.h"

static const Source a = { AF_INET, { 192, 0, 2, 1 } }, b = { AF_INET, { 192, 0, 2, 2 } },
                    c = { AF_INET6, { 0x20, 1 } };

/* Descriptors that no process has: the table only closes them. */
#define FD(n) (100000 + (n))

static Turns *make_with(const TurnRules *rules)
{
    Turns *turns = NULL;

    ASSERT_OK(turns_new(rules, &turns));
    return turns;
}

static Turns *make(unsigned source_max, size_t waiting_max)
{
    return make_with(
        &(TurnRules){ .places = 100, .source_max = source_max, .waiting_max = waiting_max });
}

static void enter(Turns *turns, const Source *source, int n)
{
    ASSERT_EQ(turns_enter(turns, source, FD(n), &(Turn){ 0 }), 0);
}

static Turn expect(Turns *turns, int n)
{
    Turn turn = { 0 };

    ASSERT_TRUE(turns_next(turns, &turn));
    ASSERT_EQ(turn.fd, FD(n));
    turns_take(turns, &turn);
    return turn;
}

static void expect_none(Turns *turns)
{
    ASSERT_TRUE(!turns_next(turns, &(Turn){ 0 }));
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

        ASSERT_TRUE(turns_next(turns, &turn));
        ASSERT_TRUE(turn.fd != FD(1) && turn.fd != FD(3));
        turns_take(turns, &turn);
    }
    for (unsigned i = 0; i < 2; i++) {
        Turn turn = { 0 };

        ASSERT_TRUE(turns_next(turns, &turn));
        turns_take(turns, &turn);
    }
    expect_none(turns);
}

/* However many sources take what they may, a place is left for one that has none. */
static void test_reserved(void)
{
    _cleanup_(turns_freep) Turns *turns =
        make_with(&(TurnRules){ .places = 4, .reserved = 1, .source_max = 2, .waiting_max = 10 });
    Turn first;

    for (int i = 0; i < 3; i++)
        enter(turns, &a, i);
    for (int i = 3; i < 6; i++)
        enter(turns, &b, i);
    first = expect(turns, 0);
    expect(turns, 3);
    expect(turns, 1);
    expect_none(turns);
    enter(turns, &c, 6);
    expect(turns, 6);
    enter(turns, &c, 7);
    expect_none(turns);
    turns_end(turns, first.holder);
    expect_none(turns); /* that was the place of those who have none */
}

/* A connection whose turn was found and not taken keeps it. */
static void test_not_taken(void)
{
    _cleanup_(turns_freep) Turns *turns = make(1, 10);
    Turn turn = { 0 };

    enter(turns, &a, 0);
    ASSERT_TRUE(turns_next(turns, &turn));
    ASSERT_EQ(turns_waiting(turns), 1);
    expect(turns, 0);
    ASSERT_EQ(turns_waiting(turns), 0);
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

/* A client that has sent something may wait; a silent one is forgotten. */
static void test_expired(void)
{
    _cleanup_(turns_freep) Turns *turns = make(1, 10);
    int speaking[2], silent[2];
    usec_t deadline = now_monotonic() + 30 * USEC_PER_SEC;
    Turn turn = { 0 };

    make_pair(speaking);
    make_pair(silent);
    ASSERT_EQ(write(speaking[1], "x", 1), 1);
    ASSERT_EQ(turns_enter(turns, &a, speaking[0], &turn), 0);
    ASSERT_EQ(turns_enter(turns, &a, silent[0], &turn), 0);
    ASSERT_TRUE(!turns_take_expired(turns, TURNS_WAIT_MAX, &turn));
    ASSERT_EQ(turns_waiting(turns), 2);
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

/* A connected pair of TCP sockets. */
static void make_tcp_pair(int pair[2])
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT_OK(bind(listening, (struct sockaddr *)&address, sizeof(address)));
    ASSERT_OK(listen(listening, 1));
    ASSERT_OK(getsockname(listening, (struct sockaddr *)&address, &size));
    pair[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_OK(connect(pair[1], (struct sockaddr *)&address, sizeof(address)));
    pair[0] = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    ASSERT_TRUE(pair[0] >= 0);
    (void)close(listening);
}

/* A client that leaves frees its place at once, also one that has sent something: by a reset, by an
 * orderly end, or by the end of its side alone. */
static void test_left(void)
{
    _cleanup_(turns_freep) Turns *turns = make(1, 10);
    struct pollfd polls = { .fd = turns_fd(turns), .events = POLLIN };
    int pairs[3][2], stays[2];
    Turn turn;

    make_tcp_pair(stays);
    ASSERT_EQ(write(stays[1], "x", 1), 1);
    ASSERT_EQ(turns_enter(turns, &a, stays[0], &turn), 0);
    for (size_t i = 0; i < ELEMENTSOF(pairs); i++) {
        make_tcp_pair(pairs[i]);
        ASSERT_EQ(write(pairs[i][1], "x", 1), 1);
        ASSERT_EQ(turns_enter(turns, &a, pairs[i][0], &turn), 0);
    }
    ASSERT_EQ(poll(&polls, 1, 0), 0);
    ASSERT_OK(setsockopt(pairs[0][1], SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
                         sizeof(struct linger)));
    (void)close(pairs[0][1]);
    (void)close(pairs[1][1]);
    ASSERT_OK(shutdown(pairs[2][1], SHUT_WR));
    while (turns_waiting(turns) > 1) {
        ASSERT_EQ(poll(&polls, 1, 10000), 1);
        turns_tend(turns);
    }
    ASSERT_EQ(poll(&polls, 1, 0), 0);
    ASSERT_TRUE(turns_next(turns, &turn));
    ASSERT_EQ(turn.fd, stays[0]);
    turns_take(turns, &turn);
    /* What is served is no longer watched. */
    (void)close(stays[1]);
    ASSERT_EQ(poll(&polls, 1, 0), 0);
    (void)close(stays[0]);
    (void)close(pairs[2][1]);
}

/* The second byte tells who the client is: a, b or unknown, which is the peer's. */
static bool identify(int fd, Source *source, void *userdata)
{
    char bytes[2];

    ASSERT_STREQ(userdata, "userdata");
    if (recv(fd, bytes, 2, MSG_PEEK | MSG_DONTWAIT) < 2)
        return false;
    *source = bytes[1] == 'a' ? a : bytes[1] == 'b' ? b : *source;
    return true;
}

/* A connection has no turn before its client is known, and then it counts as the client's. */
#define N_PAIRS 4U

/* Enters connections of one peer, of which the one that has sent these bytes is served first, as
 * that of @source, and the others wait. */
static Turns *enter_pairs(const TurnRules *rules, int pairs[N_PAIRS][2], size_t first,
                          const char *bytes, const Source *source)
{
    Turns *turns = make_with(rules);
    Turn turn;

    for (size_t i = 0; i < N_PAIRS; i++)
        make_pair(pairs[i]);
    ASSERT_EQ(write(pairs[first][1], bytes, strlen(bytes)), (ssize_t)strlen(bytes));
    for (size_t i = 0; i < N_PAIRS; i++)
        ASSERT_EQ(turns_enter(turns, &c, pairs[i][0], &turn), 0);
    ASSERT_TRUE(turns_next(turns, &turn));
    ASSERT_EQ(turn.fd, pairs[first][0]);
    ASSERT_TRUE(source_equal(&turn.source, source));
    turns_take(turns, &turn);
    expect_none(turns);
    return turns;
}

static void test_identify(void)
{
    static char userdata[] = "userdata";
    int pairs[N_PAIRS][2];
    _cleanup_(turns_freep) Turns *turns = enter_pairs(&(TurnRules){ .places = 3,
                                                                    .source_max = 1,
                                                                    .waiting_max = 4,
                                                                    .identify = identify,
                                                                    .userdata = userdata },
                                                      pairs, 0, "xa", &a);
    struct pollfd polls = { .fd = turns_fd(turns), .events = POLLIN };
    Turn turn;

    ASSERT_EQ(write(pairs[1][1], "x", 1), 1); /* not enough; and it is one event only */
    ASSERT_EQ(poll(&polls, 1, 10000), 1);
    turns_tend(turns);
    expect_none(turns);
    ASSERT_EQ(poll(&polls, 1, 0), 0);

    /* The end of the client's side, with the header, does not come before the turn. */
    ASSERT_EQ(write(pairs[2][1], "xb", 2), 2);
    ASSERT_OK(shutdown(pairs[2][1], SHUT_WR));
    turns_tend(turns);
    ASSERT_TRUE(turns_next(turns, &turn));
    ASSERT_EQ(turn.fd, pairs[2][0]);
    ASSERT_TRUE(source_equal(&turn.source, &b));
    turns_take(turns, &turn);

    /* The source of which the most wait is that of the peer, for those that are not known. */
    ASSERT_EQ(turns_waiting(turns), 2);
    enter(turns, &b, 0);
    enter(turns, &a, 1);
    ASSERT_EQ(turns_enter(turns, &c, FD(2), &turn), 1);
    ASSERT_TRUE(source_equal(&turn.source, &c));
    ASSERT_EQ(turn.fd, FD(2));

    /* A client that leaves before it is known is forgotten. */
    (void)close(pairs[3][1]);
    turns_tend(turns);
    ASSERT_EQ(turns_waiting(turns), 3);
    (void)close(pairs[0][0]);
    (void)close(pairs[2][0]);
    for (size_t i = 0; i < 3; i++)
        (void)close(pairs[i][1]);
}

/* A whole request ends in a semicolon. */
static bool has_arrived(int fd, void *userdata)
{
    char bytes[16];
    ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);

    ASSERT_STREQ(userdata, "userdata");
    return n > 0 && bytes[n - 1] == ';';
}

/* A connection has no turn before its request has arrived: others come first, and it is late in the
 * end. */
static void test_arrival(void)
{
    static char userdata[] = "userdata";
    int pairs[N_PAIRS][2];
    _cleanup_(turns_freep) Turns *turns = enter_pairs(&(TurnRules){ .places = 8,
                                                                    .source_max = 8,
                                                                    .waiting_max = 4,
                                                                    .identify = identify,
                                                                    .has_arrived = has_arrived,
                                                                    .userdata = userdata },
                                                      pairs, 1, "xb;", &b);
    struct pollfd polls = { .fd = turns_fd(turns), .events = POLLIN };
    Turn turn;

    /* The client is known, and the request comes later. */
    ASSERT_EQ(write(pairs[0][1], "xa", 2), 2);
    ASSERT_EQ(poll(&polls, 1, 10000), 1);
    turns_tend(turns);
    expect_none(turns);
    ASSERT_EQ(poll(&polls, 1, 0), 0); /* the bytes that are there are no further event */
    ASSERT_EQ(write(pairs[0][1], ";", 1), 1);
    ASSERT_EQ(poll(&polls, 1, 10000), 1);
    turns_tend(turns);
    ASSERT_TRUE(turns_next(turns, &turn));
    ASSERT_EQ(turn.fd, pairs[0][0]);
    ASSERT_TRUE(source_equal(&turn.source, &a));
    turns_take(turns, &turn);

    /* A client that leaves before it has sent a request is forgotten. */
    ASSERT_EQ(write(pairs[2][1], "xa", 2), 2);
    ASSERT_OK(shutdown(pairs[2][1], SHUT_WR));
    turns_tend(turns);
    ASSERT_EQ(turns_waiting(turns), 1);

    /* The rest waits for its request, and would otherwise wait for its turn. */
    ASSERT_EQ(write(pairs[3][1], "xa", 2), 2);
    turns_tend(turns);
    ASSERT_TRUE(!turns_take_expired(turns, TURNS_WAIT_MAX, &turn));
    ASSERT_TRUE(turns_take_expired(turns, 0, &turn));
    ASSERT_EQ(turn.fd, pairs[3][0]);
    ASSERT_TRUE(turn.is_late);
    for (size_t i = 0; i < ELEMENTSOF(pairs); i++)
        (void)close(pairs[i][1]);
    (void)close(pairs[0][0]);
    (void)close(pairs[1][0]);
    (void)close(pairs[3][0]);
}

static bool count_looks(_unused_ int fd, void *userdata)
{
    (*(unsigned *)userdata)++;
    return false;
}

/* Many clients that send at the same time are looked at in parts, between which others are. */
static void test_many_arrivals(void)
{
    unsigned n_looks = 0;
    _cleanup_(turns_freep) Turns *turns = make_with(&(TurnRules){ .places = 8,
                                                                  .source_max = 8,
                                                                  .waiting_max = 400,
                                                                  .has_arrived = count_looks,
                                                                  .userdata = &n_looks });
    struct pollfd polls = { .fd = turns_fd(turns), .events = POLLIN };
    int pairs[400][2];
    Turn turn;

    for (size_t i = 0; i < ELEMENTSOF(pairs); i++) {
        make_pair(pairs[i]);
        ASSERT_EQ(turns_enter(turns, &a, pairs[i][0], &turn), 0);
        ASSERT_EQ(write(pairs[i][1], "x", 1), 1);
    }
    n_looks = 0;
    turns_tend(turns);
    ASSERT_EQ(n_looks, 256);
    ASSERT_EQ(poll(&polls, 1, 0), 1);
    turns_tend(turns);
    ASSERT_EQ(n_looks, 400);
    ASSERT_EQ(poll(&polls, 1, 0), 0);
    for (size_t i = 0; i < ELEMENTSOF(pairs); i++)
        (void)close(pairs[i][1]);
}

/* Of sources with the same number, one whose request has not arrived leaves, even if another one
 * has been here for longer and is served. */
static void test_overflow_of_many(void)
{
    static char userdata[] = "userdata";
    _cleanup_(turns_freep) Turns *turns = make_with(&(TurnRules){ .places = 8,
                                                                  .source_max = 8,
                                                                  .waiting_max = 2,
                                                                  .has_arrived = has_arrived,
                                                                  .userdata = userdata });
    int pairs[4][2];
    Turn turn;

    for (size_t i = 0; i < ELEMENTSOF(pairs); i++)
        make_pair(pairs[i]);
    ASSERT_EQ(write(pairs[0][1], ";", 1), 1);
    ASSERT_EQ(turns_enter(turns, &a, pairs[0][0], &turn), 0);
    ASSERT_TRUE(turns_next(turns, &turn));
    turns_take(turns, &turn);
    ASSERT_EQ(turns_enter(turns, &b, pairs[1][0], &turn), 0);
    ASSERT_EQ(turns_enter(turns, &c, pairs[2][0], &turn), 0);
    ASSERT_EQ(write(pairs[3][1], ";", 1), 1);
    ASSERT_EQ(turns_enter(turns, &a, pairs[3][0], &turn), 1);
    ASSERT_TRUE(turn.fd == pairs[1][0] || turn.fd == pairs[2][0]);
    ASSERT_EQ(close(turn.fd), 0);
    ASSERT_TRUE(turns_next(turns, &turn));
    ASSERT_EQ(turn.fd, pairs[3][0]);
    for (size_t i = 0; i < ELEMENTSOF(pairs); i++)
        (void)close(pairs[i][1]);
    (void)close(pairs[0][0]);
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
    test_left();
    test_identify();
    test_arrival();
    test_many_arrivals();
    test_overflow_of_many();
    test_reserved();
    test_not_taken();
    test_close();
    return EXIT_SUCCESS;
}
