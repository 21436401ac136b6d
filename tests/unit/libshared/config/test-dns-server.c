/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/dns-server.h"

#include "test-directory.h"
#include "test.h"

static void test_parse(void)
{
    static const struct {
        const char *text, *shown;
        unsigned port;
    } good[] = {
        { "192.0.2.53", "192.0.2.53", 53 },
        { "192.0.2.53:53", "192.0.2.53", 53 },
        { "192.0.2.53:5353", "192.0.2.53:5353", 5353 },
        { "2001:DB8::53", "2001:db8::53", 53 },
        { "[2001:db8::53]:53", "2001:db8::53", 53 },
        { "[2001:db8::53]:5353", "[2001:db8::53]:5353", 5353 },
        { "fe80::1%lo", "fe80::1%lo", 53 },
        { "[fe80::1%lo]:53", "fe80::1%lo", 53 },
        { "[fe80::1%lo]:54", "[fe80::1%lo]:54", 54 },
        { "fe80::1%1", "fe80::1%1", 53 },
        { "[febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff%fifteen-letters]:65535",
          "[febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff%fifteen-letters]:65535", 65535 },
    };
    static const struct {
        const char *text;
        int error;
    } odd[] = {
        { "fe80::1", -EDESTADDRREQ },
        { "[fe80::1]:53", -EDESTADDRREQ },
        { "febf::1", -EDESTADDRREQ },
        { "2001:db8::1%lo", -EADDRNOTAVAIL },
        { "[2001:db8::1%lo]:53", -EADDRNOTAVAIL },
        { "fec0::1%lo", -EADDRNOTAVAIL },
    };
    static const char *const bad[] = {
        "",
        "ns.example.org",
        "192.0.2.53:",
        "192.0.2.53:0",
        "192.0.2.53:65536",
        "192.0.2.53:x",
        "[2001:db8::53]",
        "[2001:db8::53]53",
        "[192.0.2.53",
        "[192.0.2.53]:53",
        "192.0.2.53/32",
        "2001:db8::53/128",
        "/run/x.sock",
        "fe80::1%",
        "[fe80::1%]:53",
        "fe80::1%lo:53",
        "fe80::1%lo%lo",
        "fe80::1%l o",
        "fe80::1%sixteen-letters-",
        "[fe80::1%lo]",
        "2001:db8::53::1",
        "192.0.2.53%lo",
        ":53",
        "1.2.3",
        "111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
    };

    for (size_t i = 0; i < ELEMENTSOF(good); i++) {
        DnsServer server;

        ASSERT_OK(dns_server_check(good[i].text));
        ASSERT_OK(dns_server_parse(good[i].text, &server));
        ASSERT_STREQ(server.text, good[i].shown);
        ASSERT_EQ(ntohs(server.address.in.sin_port), good[i].port);
    }
    for (size_t i = 0; i < ELEMENTSOF(odd); i++) {
        DnsServer server;

        ASSERT_EQ(dns_server_parse(odd[i].text, &server), odd[i].error);
        ASSERT_EQ(dns_server_check(odd[i].text), odd[i].error);
    }
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        DnsServer server;

        ASSERT_EQ(dns_server_parse(bad[i], &server), -EINVAL);
    }
}

static unsigned scope_of(const char *text)
{
    DnsServer server;

    ASSERT_OK(dns_server_parse(text, &server));
    return server.address.in6.sin6_scope_id;
}

static void test_interface(void)
{
    ASSERT_EQ(scope_of("fe80::1%lo"), if_nametoindex("lo"));
    ASSERT_EQ(scope_of("[fe80::1%lo]:54"), if_nametoindex("lo"));
    ASSERT_EQ(scope_of("fe80::1%4711"), 4711);
    ASSERT_EQ(scope_of("fe80::1%not-there"), 0);
    ASSERT_EQ(scope_of("fe80::1%4294967296"), 0);
}

static void test_list(void)
{
    char *texts[] = { (char *)(uintptr_t) "192.0.2.1", (char *)(uintptr_t) "192.0.2.1:53",
                      (char *)(uintptr_t) "192.0.2.1:54", (char *)(uintptr_t) "::1", NULL };
    DnsServers servers = { 0 };

    ASSERT_OK(dns_servers_add_all(&servers, texts));
    ASSERT_EQ(servers.n, 3);
    ASSERT_TRUE(dns_server_same_machine(&servers.list[0], &servers.list[1]));
    ASSERT_FALSE(dns_server_equal(&servers.list[0], &servers.list[1]));
    ASSERT_FALSE(dns_server_same_machine(&servers.list[0], &servers.list[2]));
    for (unsigned i = 0; i < 2 * DNS_SERVERS_MAX; i++) {
        const uint8_t octets[] = { 10, 0, 0, (uint8_t)i };
        DnsServer server;

        ASSERT_OK(dns_server_from_octets(octets, sizeof(octets), &server));
        ASSERT_OK(dns_servers_add(&servers, &server));
    }
    ASSERT_EQ(servers.n, DNS_SERVERS_MAX);
    dns_servers_done(&servers);
}

static void test_system(void)
{
    static const struct {
        const char *content, *servers[4];
    } table[] = {
        { "", { "127.0.0.1" } },
        { "nameserver\nnameserver x\nnameserver192.0.2.1\n#nameserver 192.0.2.1\n",
          { "127.0.0.1" } },
        { "search example.org\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 # second\noptions x",
          { "192.0.2.1", "2001:db8::1" } },
        { "nameserver 192.0.2.1\r\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver "
          "192.0.2.4",
          { "192.0.2.1", "192.0.2.2", "192.0.2.3" } },
        { "nameserver fe80::1%lo\nnameserver fe80::2\nnameserver 2001:db8::1%lo\n",
          { "fe80::1%lo", "fe80::2", "2001:db8::1%lo" } },
        { "nameserver fe80::1%not-there\nnameserver fe80::1%\nnameserver 192.0.2.1:54\n"
          "nameserver [fe80::1%lo]:54\nnameserver [2001:db8::1]:53\n",
          { "fe80::1%not-there" } },
    };
    _cleanup_test_directory_ char *directory = test_directory_new();
    _cleanup_free_ char *path = test_path(directory, "resolv.conf");
    _cleanup_free_ char *large = calloc(1, 128 * 1024);
    DnsServers servers = { 0 };

    ASSERT_OK(dns_servers_add_system(&servers, path));
    ASSERT_STREQ(servers.list[0].text, "127.0.0.1");
    dns_servers_done(&servers);
    test_write(directory, "resolv.conf", "nameserver fe80::1%lo\nnameserver 2001:db8::1%lo\n");
    ASSERT_OK(dns_servers_add_system(&servers, path));
    ASSERT_EQ(servers.list[0].address.in6.sin6_scope_id, if_nametoindex("lo"));
    ASSERT_EQ(servers.list[1].address.in6.sin6_scope_id, 0);
    dns_servers_done(&servers);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        size_t n = 0;

        test_write(directory, "resolv.conf", table[i].content);
        ASSERT_OK(dns_servers_add_system(&servers, path));
        for (; n < 4 && table[i].servers[n]; n++)
            ASSERT_STREQ(servers.list[n].text, table[i].servers[n]);
        ASSERT_EQ(servers.n, n);
        dns_servers_done(&servers);
    }
    memset(large, 'x', 128 * 1024 - 1);
    test_write(directory, "resolv.conf", large);
    ASSERT_EQ(dns_servers_add_system(&servers, path), -EFBIG);
}

int main(void)
{
    test_parse();
    test_interface();
    test_list();
    test_system();
    return EXIT_SUCCESS;
}
