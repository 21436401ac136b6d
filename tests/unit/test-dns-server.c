/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns-server.h"

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
        { "[fe80::1%lo]:54", "[fe80::1%lo]:54", 54 },
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
        "2001:db8::53::1",
        "192.0.2.53%lo",
        ":53",
        "1.2.3",
        "111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
    };

    for (size_t i = 0; i < ELEMENTSOF(good); i++) {
        DnsServer server;

        ASSERT_OK(dns_server_parse(good[i].text, &server));
        ASSERT_STREQ(server.text, good[i].shown);
        ASSERT_EQ(ntohs(server.address.in.sin_port), good[i].port);
    }
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        DnsServer server;

        ASSERT_EQ(dns_server_parse(bad[i], &server), -EINVAL);
    }
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
    };
    _cleanup_test_directory_ char *directory = test_directory_new();
    _cleanup_free_ char *path = test_path(directory, "resolv.conf");
    _cleanup_free_ char *large = calloc(1, 128 * 1024);
    DnsServers servers = { 0 };

    ASSERT_OK(dns_servers_add_system(&servers, path));
    ASSERT_STREQ(servers.list[0].text, "127.0.0.1");
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
    test_list();
    test_system();
    return EXIT_SUCCESS;
}
