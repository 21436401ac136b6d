/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A resolv.conf(5), and the same bytes as the address of a server in acmems.ini. */

#include "config/dns-server.h"

#include <stdint.h>

#define RESOLVERS_MAX 3U /* the limit of libc */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text of an address parses to the same address. */
static void check(const DnsServer *server, bool is_strict)
{
    DnsServer again;
    int r = dns_server_parse(server->text, &again);

    if (r < 0 ? is_strict || (r != -EDESTADDRREQ && r != -EADDRNOTAVAIL)
              : !dns_server_equal(server, &again) || !streq(server->text, again.text))
        abort();
}

static void try_resolv_conf(char *text)
{
    DnsServers servers = { 0 };
    int r = dns_servers_add_resolv_conf(&servers, text);

    if (r >= 0 && (r != (servers.n > 0) || servers.n > RESOLVERS_MAX))
        abort();
    for (size_t i = 0; i < servers.n; i++) {
        if (ntohs(servers.list[i].address.in.sin_port) != DNS_PORT)
            abort();
        check(&servers.list[i], false);
    }
    dns_servers_done(&servers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    DnsServer server;

    if (!text)
        return 0;
    if (dns_server_parse(text, &server) >= 0)
        check(&server, true);
    try_resolv_conf(text);
    free(text);
    return 0;
}
