/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/dns-server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>

#include "base/io.h"
#include "base/number.h"
#include "strings/strv.h"

#define RESOLV_CONF          "/etc/resolv.conf"
#define RESOLV_CONF_SIZE_MAX ((size_t)64 * 1024)
#define RESOLVERS_MAX        3U /* the limit of libc */

void dns_servers_done(DnsServers *servers)
{
    free(servers->list);
    *servers = (DnsServers){ 0 };
}

static void format(DnsServer *server, const char *address, const char *interface, unsigned port)
{
    bool is_long = server->address.sa.sa_family == AF_INET6;
    const char *percent = *interface ? "%" : "";

    if (port == DNS_PORT)
        (void)snprintf(server->text, sizeof(server->text), "%s%s%s", address, percent, interface);
    else
        (void)snprintf(server->text, sizeof(server->text), is_long ? "[%s%s%s]:%u" : "%s%s%s:%u",
                       address, percent, interface, port);
}

/* A name that the kernel accepts for an interface, without characters that end it here. */
static bool is_interface(const char *name)
{
    size_t length = 0;

    for (; name[length]; length++)
        if (name[length] <= ' ' || name[length] > '~' || strchr("/:%[]", name[length]))
            return false;
    return length > 0 && length < IF_NAMESIZE;
}

static bool is_link_local(const DnsServer *server)
{
    return server->address.sa.sa_family == AF_INET6 &&
           IN6_IS_ADDR_LINKLOCAL(&server->address.in6.sin6_addr);
}

bool dns_server_lacks_interface(const DnsServer *server)
{
    return is_link_local(server) && server->address.in6.sin6_scope_id == 0;
}

/* Sets the interface by its name or, as libc does, by its number. A missing interface leaves the
 * address without one. */
static void find_interface(DnsServer *server, const char *interface)
{
    uint64_t number;

    if (!is_link_local(server))
        return;
    number = if_nametoindex(interface);
    if (number > 0 || number_parse(interface, strlen(interface), UINT32_MAX, &number) >= 0)
        server->address.in6.sin6_scope_id = (uint32_t)number;
}

static int set(DnsServer *server, const char *address, const char *interface, unsigned port)
{
    SocketAddress *a = &server->address;
    char canonical[INET6_ADDRSTRLEN];

    *server = (DnsServer){ 0 };
    if (socket_address_parse(address, a) < 0)
        return -EINVAL;
    if (a->sa.sa_family == AF_INET) {
        if (*interface)
            return -EINVAL;
        a->in.sin_port = htons((uint16_t)port);
        server->size = sizeof(a->in);
        (void)inet_ntop(AF_INET, &a->in.sin_addr, canonical, sizeof(canonical));
    } else {
        a->in6.sin6_port = htons((uint16_t)port);
        server->size = sizeof(a->in6);
        (void)inet_ntop(AF_INET6, &a->in6.sin6_addr, canonical, sizeof(canonical));
    }
    format(server, canonical, interface, port);
    return 0;
}

/* Cuts off the port of "…]:5353", or of "…:5353" if it cannot be a part of the address. 0 or
 * -EINVAL. */
static int cut_port(char **host, unsigned *ret)
{
    char *end = strrchr(*host, ':'), *bracket = strchr(*host, ']');
    uint64_t port = DNS_PORT;

    if (**host == '[') {
        if (!bracket || bracket + 1 != end)
            return -EINVAL;
        (*host)++;
        *bracket = '\0';
        if (!strchr(*host, ':'))
            return -EINVAL;
    } else if (!end || strchr(*host, ':') != end) {
        *ret = DNS_PORT;
        return 0;
    }
    if (number_parse(end + 1, strlen(end + 1), UINT16_MAX, &port) < 0 || port == 0)
        return -EINVAL;
    *end = '\0';
    *ret = (unsigned)port;
    return 0;
}

/* Parses without a check of the interface. @ret_interface: "" if there is none. */
static int dns_server_read(const char *text, DnsServer *ret, char ret_interface[IF_NAMESIZE])
{
    char copy[DNS_SERVER_TEXT_MAX + 1], *host = copy, *interface;
    unsigned port;

    if (strlen(text) >= sizeof(copy))
        return -EINVAL;
    memcpy(copy, text, strlen(text) + 1);
    if (cut_port(&host, &port) < 0)
        return -EINVAL;
    interface = strchr(host, '%');
    if (interface)
        *interface++ = '\0';
    if (interface && !is_interface(interface))
        return -EINVAL;
    memcpy(ret_interface, str_or(interface, ""), strlen(str_or(interface, "")) + 1);
    return set(ret, host, ret_interface, port);
}

static int parse_sound(const char *text, DnsServer *ret, char ret_interface[IF_NAMESIZE])
{
    int r = dns_server_read(text, ret, ret_interface);

    if (r < 0 || is_link_local(ret) == (*ret_interface != '\0'))
        return r;
    return *ret_interface ? -EADDRNOTAVAIL : -EDESTADDRREQ;
}

int dns_server_check(const char *text)
{
    char interface[IF_NAMESIZE];
    DnsServer server;

    return parse_sound(text, &server, interface);
}

int dns_server_parse(const char *text, DnsServer *ret)
{
    char interface[IF_NAMESIZE];
    DnsServer server;
    int r = parse_sound(text, &server, interface);

    if (r < 0)
        return r;
    find_interface(&server, interface);
    *ret = server;
    return 0;
}

int dns_server_from_octets(const uint8_t *octets, size_t size, DnsServer *ret)
{
    char text[INET6_ADDRSTRLEN];
    int r = address_from_octets(octets, size, text);

    return r < 0 ? -EINVAL : set(ret, text, "", DNS_PORT);
}

bool dns_server_same_machine(const DnsServer *a, const DnsServer *b)
{
    const SocketAddress *x = &a->address, *y = &b->address;

    if (x->sa.sa_family != y->sa.sa_family)
        return false;
    if (x->sa.sa_family == AF_INET)
        return x->in.sin_addr.s_addr == y->in.sin_addr.s_addr;
    return memcmp(&x->in6.sin6_addr, &y->in6.sin6_addr, sizeof(x->in6.sin6_addr)) == 0 &&
           x->in6.sin6_scope_id == y->in6.sin6_scope_id;
}

/* IPv4 and IPv6 socket addresses have the port at the same offset. */
bool dns_server_equal(const DnsServer *a, const DnsServer *b)
{
    return dns_server_same_machine(a, b) && a->address.in.sin_port == b->address.in.sin_port;
}

char *dns_servers_format(const DnsServers *servers)
{
    _cleanup_strv_ char **names = NULL;

    for (size_t i = 0; i < servers->n; i++)
        if (strv_extend(&names, servers->list[i].text) < 0)
            return NULL;
    return strv_join(names, " ");
}

int dns_servers_add(DnsServers *servers, const DnsServer *server)
{
    DnsServer *grown;

    for (size_t i = 0; i < servers->n; i++)
        if (dns_server_equal(&servers->list[i], server))
            return 0;
    if (servers->n == DNS_SERVERS_MAX)
        return 0;
    grown = reallocarray(servers->list, servers->n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    grown[servers->n++] = *server;
    servers->list = grown;
    return 0;
}

int dns_servers_add_list(DnsServers *servers, const DnsServers *others)
{
    for (size_t i = 0; i < others->n; i++) {
        int r = dns_servers_add(servers, &others->list[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

int dns_servers_add_names(DnsServers *servers, const char *names)
{
    _cleanup_free_ char *copy = strdup(names);
    char *rest = copy, *name;
    int r = copy ? 0 : -ENOMEM;

    while (r >= 0 && (name = strsep(&rest, " "))) {
        DnsServer server;

        if (dns_server_parse(name, &server) >= 0)
            r = dns_servers_add(servers, &server);
    }
    return r;
}

void dns_servers_remove(DnsServers *servers, const DnsServer *server)
{
    for (size_t i = 0; i < servers->n; i++)
        if (dns_server_equal(&servers->list[i], server)) {
            servers->list[i] = servers->list[--servers->n];
            return;
        }
}

int dns_servers_add_all(DnsServers *servers, char *const *texts)
{
    STRV_FOREACH (text, texts) {
        DnsServer server;
        int r = dns_server_parse(*text, &server);

        if (r >= 0)
            r = dns_servers_add(servers, &server);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Reads a line as libc does, and ignores what libc ignores: no ports, and a link-local address may
 * lack its interface. */
static int add_line(DnsServers *servers, char *line)
{
    static const char word[] = "nameserver";
    char interface[IF_NAMESIZE];
    DnsServer server;
    char *value;

    if (strncmp(line, word, STRLEN("nameserver")) != 0)
        return 0;
    value = line + STRLEN("nameserver");
    if (!strspn(value, " \t"))
        return 0;
    value += strspn(value, " \t");
    value[strcspn(value, " \t\r;#")] = '\0';
    if (strchr(value, '[') || dns_server_read(value, &server, interface) < 0 ||
        (server.address.sa.sa_family == AF_INET && strchr(value, ':')))
        return 0;
    find_interface(&server, interface);
    return dns_servers_add(servers, &server);
}

int dns_servers_add_resolv_conf(DnsServers *servers, char *text)
{
    char *rest = text, *line;
    size_t n = servers->n;

    while (servers->n < n + RESOLVERS_MAX && (line = strsep(&rest, "\n"))) {
        int r = add_line(servers, line);

        if (r < 0)
            return r;
    }
    return servers->n > n;
}

int dns_servers_add_system(DnsServers *servers, const char *path)
{
    _cleanup_free_ char *text = NULL;
    DnsServer local;
    size_t size;
    int r = read_file_at(AT_FDCWD, path ? path : RESOLV_CONF, RESOLV_CONF_SIZE_MAX, &text, &size);

    if (r >= 0)
        r = dns_servers_add_resolv_conf(servers, text);
    else if (r == -ENOENT)
        r = 0;
    if (r != 0)
        return r < 0 ? r : 0;
    r = dns_server_parse("127.0.0.1", &local);
    return r < 0 ? r : dns_servers_add(servers, &local);
}
