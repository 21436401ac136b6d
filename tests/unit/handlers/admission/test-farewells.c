/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admission/farewells.h"

#include <sys/socket.h>

#include "base/io.h"
#include "test.h"

static Farewells farewells = { .max = FAREWELLS_MAX };

/* Adds a connection; returns the client's end. */
static int add(void)
{
    int pair[2];

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    farewells_add(&farewells, pair[0]);
    return pair[1];
}

static void tend(int timeout)
{
    struct pollfd polls[FAREWELLS_MAX];
    size_t n = farewells_poll(&farewells, polls);

    ASSERT_TRUE(poll(polls, n, timeout) >= 0);
    farewells_tend(&farewells, polls, n);
}

static void test_client_closes(void)
{
    int stays = add(), leaves = add();

    ASSERT_EQ(recv(stays, (char[1]){ 0 }, 1, 0), 0); /* the end, at once */
    ASSERT_OK(write_all(leaves, "x", 1, USEC_INFINITY));
    tend(0);
    ASSERT_EQ(farewells.n, 2);
    (void)close(leaves);
    tend(0);
    ASSERT_EQ(farewells.n, 1);
    (void)close(stays);
    tend(0);
    ASSERT_EQ(farewells.n, 0);
    ASSERT_TRUE(farewells_deadline(&farewells) == USEC_INFINITY);
}

/* A client that neither closes nor stops sending does not stay for long. */
static void test_limits(void)
{
    static const char data[8192];
    usec_t end = now_monotonic() + 30 * USEC_PER_SEC;
    int sends = add();

    while (farewells.n > 0) {
        ASSERT_TRUE(now_monotonic() < end);
        (void)send(sends, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);
        tend(0);
    }
    (void)close(sends);
    sends = add();
    while (farewells.n > 0) {
        ASSERT_TRUE(now_monotonic() < end);
        tend(deadline_to_poll(farewells_deadline(&farewells)));
    }
    (void)close(sends);
}

static void test_too_many(void)
{
    int ends[FAREWELLS_MAX + 1];

    for (size_t i = 0; i < ELEMENTSOF(ends); i++)
        ends[i] = add();
    ASSERT_EQ(farewells.n, FAREWELLS_MAX);
    ASSERT_TRUE(send(ends[0], "x", 1, MSG_NOSIGNAL) < 0); /* the oldest is closed */
    ASSERT_EQ(send(ends[1], "x", 1, MSG_NOSIGNAL), 1);
    farewells_close(&farewells);
    ASSERT_EQ(farewells.n, 0);
    for (size_t i = 0; i < ELEMENTSOF(ends); i++)
        (void)close(ends[i]);
}

int main(void)
{
    test_client_closes();
    test_limits();
    test_too_many();
    return EXIT_SUCCESS;
}
