/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/address.h"

#include <arpa/inet.h>

#include "test.h"

static SocketAddress peer(const char *text)
{
    SocketAddress a = { .sa = { .sa_family = AF_UNSPEC } };

    if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1)
        a.sa.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) == 1)
        a.sa.sa_family = AF_INET6;
    else
        a.sa.sa_family = AF_UNIX;
    return a;
}

static void test_prefix_contains(void)
{
    static const struct {
        const char *prefix, *peer;
        bool inside;
    } table[] = {
        { "192.0.2.0/24", "192.0.2.0", true },
        { "192.0.2.0/24", "192.0.2.255", true },
        { "192.0.2.0/24", "192.0.3.0", false },
        { "192.0.2.0/24", "::ffff:192.0.2.7", true },
        { "192.0.2.0/24", "::192.0.2.7", false },
        { "192.0.2.21", "192.0.2.21", true },
        { "192.0.2.21", "192.0.2.20", false },
        { "192.0.2.128/28", "192.0.2.143", true },
        { "192.0.2.128/28", "192.0.2.144", false },
        { "192.0.2.128/25", "192.0.2.127", false },
        { "128.0.0.0/1", "128.0.0.1", true },
        { "128.0.0.0/1", "127.255.255.255", false },
        { "0.0.0.0/0", "203.0.113.9", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "2001:db8::1", true },
        { "::/0", "203.0.113.9", false },
        { "::/0", "::ffff:203.0.113.9", false },
        { "2001:db8::/32", "2001:db8:ffff::1", true },
        { "2001:db8::/32", "2001:db9::1", false },
        { "2001:db8::1", "2001:db8::1", true },
        { "2001:db8::1", "2001:db8::2", false },
        { "::ffff:192.0.2.0/120", "192.0.2.9", true },
        { "::ffff:192.0.2.1", "192.0.2.1", true },
        { "::ffff:0.0.0.0/96", "192.0.2.1", true },
        { "192.0.2.0/24", "unix", false },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        SocketAddress address = peer(table[i].peer);
        AddressPrefix prefix;
        char *meant;

        ASSERT_OK(address_prefix_parse(table[i].prefix, &prefix, &meant));
        ASSERT_TRUE(!meant);
        if (address_prefix_contains(&prefix, &address) != table[i].inside)
            fprintf(stderr, "%s in %s\n", table[i].peer, table[i].prefix);
        ASSERT_EQ(address_prefix_contains(&prefix, &address), table[i].inside);
    }
}

static void test_socket_address_equal(void)
{
    static const struct {
        const char *a, *b;
        in_port_t port;
        bool equal;
    } table[] = {
        { "192.0.2.1", "192.0.2.1", 443, true },
        { "192.0.2.1", "192.0.2.1", 8443, false },
        { "192.0.2.1", "192.0.2.2", 443, false },
        { "192.0.2.1", "::ffff:192.0.2.1", 443, true },
        { "192.0.2.1", "::ffff:192.0.2.2", 443, false },
        { "192.0.2.1", "::ffff:192.0.2.1", 8443, false },
        { "2001:db8::1", "2001:db8::1", 443, true },
        { "2001:db8::1", "2001:db8::2", 443, false },
        { "2001:db8::1", "192.0.2.1", 443, false },
        { "unix", "unix", 443, false },
        { "192.0.2.1", "unix", 443, false },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        SocketAddress a = peer(table[i].a), b = peer(table[i].b);

        a.in.sin_port = htons(443);
        b.in.sin_port = htons(table[i].port);
        ASSERT_EQ(socket_address_equal(&a, &b), table[i].equal);
        ASSERT_EQ(socket_address_equal(&b, &a), table[i].equal);
    }
}

static void test_prefix_refused(void)
{
    static const struct {
        const char *text, *meant;
    } table[] = {
        { "192.0.2.1/24", "192.0.2.0/24, or 192.0.2.1 for the one host" },
        { "2001:db8::1/32", "2001:db8::/32, or 2001:db8::1 for the one host" },
        { "192.0.2.1/0", "0.0.0.0/0, or 192.0.2.1 for the one host" },
        { "", NULL },
        { "192.0.2", NULL },
        { "192.0.2.256", NULL },
        { "192.0.2.01", NULL },
        { "192.0.2.0/", NULL },
        { "192.0.2.0/33", NULL },
        { "192.0.2.0/-1", NULL },
        { "192.0.2.0/+8", NULL },
        { "192.0.2.0/ 24", NULL },
        { "192.0.2.0/024", NULL },
        { "192.0.2.0/24/8", NULL },
        { "192.0.2.0/255.255.255.0", NULL },
        { "192.0.2.0/99999999999999999999", NULL },
        { "2001:db8::/129", NULL },
        { "fe80::1%eth0", NULL },
        { "[2001:db8::1]", NULL },
        { "mail.example.org", NULL },
        { "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        AddressPrefix prefix;
        _cleanup_free_ char *meant = NULL;

        ASSERT_EQ(address_prefix_parse(table[i].text, &prefix, &meant), -EINVAL);
        if (table[i].meant)
            ASSERT_STREQ(meant, table[i].meant);
        else
            ASSERT_TRUE(!meant);
    }
}

static void test_listen(void)
{
    static const struct {
        const char *text;
        ListenKind kind;
        const char *address, *interface;
        unsigned port;
    } table[] = {
        { "192.0.2.80:1380", LISTEN_INET, "192.0.2.80", NULL, 1380 },
        { "0.0.0.0:65535", LISTEN_INET, "0.0.0.0", NULL, 65535 },
        { "[::1]:1313", LISTEN_INET6, "::1", NULL, 1313 },
        { "[fe80::80%eth0]:1380", LISTEN_INET6, "fe80::80", "eth0", 1380 },
        { "/run/x.sock", LISTEN_UNIX, "/run/x.sock", NULL, 0 },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_(listen_address_done) ListenAddress a = { 0 };

        ASSERT_OK(listen_address_parse(table[i].text, &a));
        ASSERT_EQ(a.kind, table[i].kind);
        ASSERT_STREQ(a.address, table[i].address);
        ASSERT_EQ(a.port, table[i].port);
        if (table[i].interface)
            ASSERT_STREQ(a.interface, table[i].interface);
        else
            ASSERT_TRUE(!a.interface);
    }
}

static void test_listen_refused(void)
{
    static const char *const table[] = {
        "",
        "1313",
        ":1313",
        "192.0.2.80",
        "192.0.2.80:",
        "192.0.2.80:0",
        "192.0.2.80:65536",
        "192.0.2.80:http",
        "192.0.2.80:-1",
        "::1:1313",
        "[::1]",
        "[::1:1313",
        "[]:1313",
        "[:1313",
        "[192.0.2.1]:1313",
        "[fe80::1%]:1313",
        "[fe80::1%interface-far-too-long]:1313",
        "[fe80::1%2]:1313",
        "[fe80::1%*]:1313",
        "[fe80::1%..]:1313",
        "[fe80::1%et\\0]:1313",
        "localhost:1313",
        "run/x.sock",
        "/run/../x.sock",
        "/run/x\ry.sock",
        "/run/x.sock\\",
    };
    char path[200];

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        ListenAddress a;

        ASSERT_EQ(listen_address_parse(table[i], &a), -EINVAL);
    }
    memset(path, '/', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    ASSERT_EQ(listen_address_parse(path, &(ListenAddress){ 0 }), -EINVAL);
}

static void test_listen_compare(void)
{
    static const struct {
        const char *a, *b;
        int sign;
    } table[] = {
        { "[::1]:1313", "[0:0:0:0:0:0:0:1]:1313", 0 },
        { "[2001:DB8::1]:1", "[2001:db8::1]:1", 0 },
        { "/run/x.sock", "/run/x.sock", 0 },
        { "192.0.2.1:1", "192.0.2.1:2", -1 },
        { "192.0.2.1:2", "192.0.2.2:1", -1 },
        { "192.0.2.1:1", "[::1]:1", -1 },
        { "[::1]:1", "/run/x.sock", -1 },
        { "/run/x.sock", "/run/y.sock", -1 },
        { "/run/x.sock", "[fe80::1%eth0]:1", -1 },
        { "[fe80::1%eth0]:1", "[fe80::1%eth0]:1", 0 },
        { "[fe80::2%eth0]:1", "[fe80::1%eth1]:1", -1 },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_(listen_address_done) ListenAddress a = { 0 }, b = { 0 };
        int forth, back;

        ASSERT_OK(listen_address_parse(table[i].a, &a));
        ASSERT_OK(listen_address_parse(table[i].b, &b));
        forth = listen_address_compare(&a, &b);
        back = listen_address_compare(&b, &a);
        ASSERT_EQ((forth > 0) - (forth < 0), table[i].sign);
        ASSERT_EQ((back > 0) - (back < 0), -table[i].sign);
    }
}

static void test_listen_needs_network(void)
{
    static const struct {
        const char *text;
        bool needs;
    } table[] = {
        { "0.0.0.0:1", false },     { "[::]:1", false },          { "127.0.0.1:1", false },
        { "127.255.0.9:1", false }, { "[::1]:1", true },          { "/run/x.sock", false },
        { "192.0.2.1:1", true },    { "[2001:db8::1]:1", true },  { "[7f00::1]:1", true },
        { "0.0.0.1:1", true },      { "[fe80::1%eth0]:1", true },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_(listen_address_done) ListenAddress a = { 0 };

        ASSERT_OK(listen_address_parse(table[i].text, &a));
        ASSERT_EQ(listen_address_needs_network(&a), table[i].needs);
    }
}

static void test_peer(void)
{
    _cleanup_close_ int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _cleanup_close_ int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _cleanup_close_ int accepted = -EBADF;
    SocketAddress address = peer("127.0.0.1");
    socklen_t size = sizeof(address);
    char buf[INET6_ADDRSTRLEN];
    int pair[2], pipe_fds[2];

    ASSERT_OK(bind(server, &address.sa, sizeof(address.in)));
    ASSERT_OK(listen(server, 1));
    ASSERT_OK(getsockname(server, &address.sa, &size));
    ASSERT_OK(connect(client, &address.sa, size));
    accepted = accept(server, NULL, NULL);
    ASSERT_TRUE(accepted >= 0);
    ASSERT_OK(socket_peer(accepted, &address));
    ASSERT_STREQ(socket_address_format(&address, buf), "127.0.0.1");

    ASSERT_OK(socket_peer(server, &address));
    ASSERT_EQ(address.sa.sa_family, AF_UNSPEC);
    ASSERT_STREQ(socket_address_format(&address, buf), "unknown");

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    ASSERT_OK(socket_peer(pair[0], &address));
    ASSERT_STREQ(socket_address_format(&address, buf), "unix");
    safe_close(pair[0]);
    safe_close(pair[1]);

    ASSERT_OK(pipe(pipe_fds));
    ASSERT_EQ(socket_peer(pipe_fds[0], &address), -ENOTSOCK);
    safe_close(pipe_fds[0]);
    safe_close(pipe_fds[1]);
}

static void test_format(void)
{
    SocketAddress v6 = peer("2001:db8::1"), mapped = peer("::ffff:192.0.2.1");
    char buf[INET6_ADDRSTRLEN];

    ASSERT_STREQ(socket_address_format(&v6, buf), "2001:db8::1");
    ASSERT_STREQ(socket_address_format(&mapped, buf), "192.0.2.1");
}

static void test_parse(void)
{
    static const char *const bad[] = { "",          "192.0.2",   "192.0.2.1:53", "192.0.2.1/32",
                                       "[::1]",     "fe80::1%1", "::1 ",         " 192.0.2.1",
                                       "localhost", "unix" };
    SocketAddress four, six, untouched = { .storage = { .ss_family = AF_UNIX } };

    memset(&four, 0xff, sizeof(four));
    memset(&six, 0xff, sizeof(six));
    ASSERT_OK(socket_address_parse("192.0.2.1", &four));
    ASSERT_EQ(four.in.sin_family, AF_INET);
    ASSERT_EQ(four.in.sin_port, 0);
    ASSERT_EQ(ntohl(four.in.sin_addr.s_addr), 0xc0000201);
    ASSERT_OK(socket_address_parse("fe80::1", &six));
    ASSERT_EQ(six.in6.sin6_family, AF_INET6);
    ASSERT_EQ(six.in6.sin6_port, 0);
    ASSERT_EQ(six.in6.sin6_scope_id, 0);
    ASSERT_EQ(six.in6.sin6_addr.s6_addr[0], 0xfe);
    ASSERT_EQ(six.in6.sin6_addr.s6_addr[15], 1);
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        ASSERT_EQ(socket_address_parse(bad[i], &untouched), -EINVAL);
        ASSERT_EQ(untouched.sa.sa_family, AF_UNIX);
    }
}

static void test_octets(void)
{
    static const struct {
        const char *octets;
        size_t size;
        const char *text; /* NULL: refused */
    } table[] = {
        { "\xc0\x00\x02\x01", 4, "192.0.2.1" },
        { "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x0a", 16, "2001:db8::a" },
        { "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01", 16, NULL },
        { "\xc0\x00\x02\x01\xff\xff\xff\x00", 8, NULL }, /* a prefix, of name constraints */
        { "", 0, NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        char text[INET6_ADDRSTRLEN] = "";

        ASSERT_EQ(address_from_octets((const uint8_t *)table[i].octets, table[i].size, text),
                  table[i].text ? 0 : -EINVAL);
        ASSERT_STREQ(text, table[i].text ? table[i].text : "");
    }
}

static void test_covers(void)
{
    AddressPrefix prefix;
    char *meant;

    ASSERT_OK(address_prefix_parse("192.0.2.0/28", &prefix, &meant));
    ASSERT_TRUE(address_prefix_covers(&prefix, "192.0.2.15"));
    ASSERT_FALSE(address_prefix_covers(&prefix, "192.0.2.16"));
    ASSERT_FALSE(address_prefix_covers(&prefix, "2001:db8::1"));
    ASSERT_FALSE(address_prefix_covers(&prefix, "a.example"));
    ASSERT_FALSE(address_prefix_covers(&prefix, ""));
    ASSERT_OK(address_prefix_parse("2001:db8::/32", &prefix, &meant));
    ASSERT_TRUE(address_prefix_covers(&prefix, "2001:db8::1"));
    ASSERT_FALSE(address_prefix_covers(&prefix, "192.0.2.1"));
}

static void test_reverse(void)
{
    char name[ADDRESS_REVERSE_SIZE];

    ASSERT_OK(address_reverse_name("192.0.2.1", name));
    ASSERT_STREQ(name, "1.2.0.192.in-addr.arpa");
    ASSERT_OK(address_reverse_name("255.255.255.255", name));
    ASSERT_STREQ(name, "255.255.255.255.in-addr.arpa");
    /* RFC 8738 §6 */
    ASSERT_OK(address_reverse_name("2001:db8::1", name));
    ASSERT_STREQ(name, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    ASSERT_EQ(strlen(name) + 1, sizeof(name));
    ASSERT_EQ(address_reverse_name("www.example.org", name), -EINVAL);
    ASSERT_EQ(address_reverse_name("", name), -EINVAL);
}

int main(void)
{
    test_prefix_contains();
    test_socket_address_equal();
    test_parse();
    test_prefix_refused();
    test_listen();
    test_listen_refused();
    test_listen_compare();
    test_listen_needs_network();
    test_peer();
    test_format();
    test_octets();
    test_covers();
    test_reverse();
    return 0;
}
