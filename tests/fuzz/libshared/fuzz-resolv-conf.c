/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A resolv.conf(5), and the same bytes as the address of a server in acmems.ini. */

#include "config/dns-server.h"

#include <limits.h>
#include <stdint.h>
#include <unistd.h>

#include "input-file.h"
#include "strings/strv.h"

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

/* A list is the same after it was written as text, and as the strings of acmems.ini. */
static void check_list(const DnsServers *servers)
{
    _cleanup_free_ char *text = dns_servers_format(servers);
    _cleanup_strv_ char **texts = NULL;
    DnsServers again = { 0 }, copy = { 0 };

    if (!text || dns_servers_add_names(&again, text) < 0 ||
        dns_servers_add_list(&copy, servers) < 0 || dns_servers_add_list(&copy, servers) < 0 ||
        copy.n != servers->n || again.n > servers->n)
        abort();
    for (size_t i = 0; i < again.n; i++)
        if (strv_extend(&texts, again.list[i].text) < 0)
            abort();
    if (dns_servers_add_all(&copy, texts) < 0 || copy.n != servers->n)
        abort();
    while (copy.n > 0)
        dns_servers_remove(&copy, &copy.list[copy.n - 1]);
    dns_servers_done(&again);
    dns_servers_done(&copy);
}

static void try_file(const uint8_t *data, size_t size)
{
    DnsServers servers = { 0 };
    char path[PATH_MAX];

    input_write("resolv.conf", data, size);
    (void)snprintf(path, sizeof(path), "%s/resolv.conf", input_place());
    /* A system has a resolver. */
    if (dns_servers_add_system(&servers, path) < 0 || servers.n == 0)
        abort();
    check_list(&servers);
    dns_servers_done(&servers);
    if (unlink(path) < 0 || dns_servers_add_system(&servers, path) < 0 || servers.n != 1)
        abort();
    dns_servers_done(&servers);
}

/* The bytes of an A or AAAA record. */
static void try_octets(const uint8_t *data, size_t size)
{
    DnsServer server;

    if (dns_server_from_octets(data, size, &server) >= 0)
        check(&server, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    DnsServer server;

    if (!text)
        return 0;
    if (dns_server_parse(text, &server) >= 0)
        check(&server, true);
    if (dns_server_check(text) < 0 && dns_server_parse(text, &server) >= 0)
        abort();
    try_resolv_conf(text);
    try_file(data, size);
    try_octets(data, size);
    free(text);
    return 0;
}
