/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/listening.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/macro.h"
#include "test-directory.h"
#include "test.h"

static int listening_now(const char *text)
{
    _cleanup_(listen_address_done) ListenAddress address = { 0 };

    ASSERT_OK(listen_address_parse(text, &address));
    return listening_at(&address);
}

/* Returns a socket bound to a free port of the address. */
static int bind_any(const char *address, unsigned *ret_port)
{
    SocketAddress name;
    socklen_t size = sizeof(name);
    int fd;

    ASSERT_OK(socket_address_parse(address, &name));
    fd = socket(name.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_TRUE(fd >= 0);
    ASSERT_OK(
        bind(fd, &name.sa, name.sa.sa_family == AF_INET ? sizeof(name.in) : sizeof(name.in6)));
    ASSERT_OK(getsockname(fd, &name.sa, &size));
    *ret_port = ntohs(name.sa.sa_family == AF_INET ? name.in.sin_port : name.in6.sin6_port);
    return fd;
}

static void test_internet(void)
{
    static const struct {
        const char *bound, *same, *other;
    } cases[] = {
        { "127.0.0.1", "127.0.0.1", "127.0.0.2" },
        { "0.0.0.0", "127.0.0.2", "[::1]" },
        { "::1", "[::1]", "[2001:db8::1]" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char same[64], other[64];
        unsigned port;
        int fd = bind_any(cases[i].bound, &port);

        (void)snprintf(same, sizeof(same), "%s:%u", cases[i].same, port);
        (void)snprintf(other, sizeof(other), "%s:%u", cases[i].other, port);
        ASSERT_EQ(listening_now(same), 0); /* bound, but it does not listen */
        ASSERT_OK(listen(fd, 1));
        ASSERT_EQ(listening_now(same), 1);
        ASSERT_EQ(listening_now(other), 0);
        ASSERT_OK(close(fd));
        ASSERT_EQ(listening_now(same), 0);
    }
}

static void test_unix(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();
    _cleanup_free_ char *path = test_path(directory, "sock");
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT_TRUE(fd >= 0);
    ASSERT_EQ(listening_now(path), 0);
    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
    ASSERT_OK(bind(fd, (const struct sockaddr *)&name, sizeof(name)));
    ASSERT_EQ(listening_now(path), 1);
    ASSERT_OK(close(fd));
}

int main(void)
{
    test_internet();
    test_unix();
    return EXIT_SUCCESS;
}
