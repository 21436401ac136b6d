/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Addresses of DNS servers: from acmems.ini, from /etc/resolv.conf, from answers. */

#include <net/if.h>

#include "base/address.h"
#include "base/macro.h"

#define DNS_PORT            53U
#define DNS_SERVERS_MAX     64U /* in one list; what comes then is left out */
#define DNS_SERVER_TEXT_MAX (INET6_ADDRSTRLEN + IF_NAMESIZE + STRLEN("[%]:65535"))

typedef struct DnsServer {
    SocketAddress address;
    socklen_t size;
    char text[DNS_SERVER_TEXT_MAX +
              1]; /* "192.0.2.53", "[2001:db8::53]:5353": as messages have it */
} DnsServer;

/* Empty when zeroed. */
typedef struct DnsServers {
    DnsServer *list;
    size_t n;
} DnsServers;

void dns_servers_done(DnsServers *servers);

/**
 * dns_server_parse() - "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"
 *
 * A link-local address has an interface, by name or number, and no other address has:
 * "fe80::53%eth0", "[fe80::53%eth0]:5353". One that is not there now makes an address that nobody
 * is reached at.
 *
 * 0; -EINVAL for what is no address; -EDESTADDRREQ for a link-local one without an interface;
 * -EADDRNOTAVAIL for another one with an interface.
 */
int dns_server_parse(const char *text, DnsServer *ret);

/* The same for who asks nobody: whether the interface is there is not looked at. */
int dns_server_check(const char *text);

/* Whether it is a link-local address that nobody knows the interface of, or that is not there. */
bool dns_server_lacks_interface(const DnsServer *server);

/* 4 or 16 bytes, as A and AAAA records have them. 0 or -EINVAL. */
int dns_server_from_octets(const uint8_t *octets, size_t size, DnsServer *ret);

bool dns_server_equal(const DnsServer *a, const DnsServer *b);        /* address and port */
bool dns_server_same_machine(const DnsServer *a, const DnsServer *b); /* the address alone */

/* As they are named, a space between them. NULL: no memory. */
char *dns_servers_format(const DnsServers *servers);

/* Adds a copy, once. 0 or -ENOMEM. */
int dns_servers_add(DnsServers *servers, const DnsServer *server);
int dns_servers_add_all(DnsServers *servers,
                        char *const *texts); /* also what dns_server_parse() says */
int dns_servers_add_list(DnsServers *servers, const DnsServers *others);

/* Adds those that dns_servers_format() has named; what is no server is passed over. 0 or -ENOMEM.
 */
int dns_servers_add_names(DnsServers *servers, const char *names);

void dns_servers_remove(DnsServers *servers, const DnsServer *server);

/**
 * dns_servers_add_system() - the resolvers that resolv.conf(5) names
 * @path: NULL: /etc/resolv.conf
 *
 * As libc takes them: link-local ones with or without an interface ("fe80::53%eth0"), no ports.
 * 127.0.0.1 where it names none, or is not there. 0, -ENOMEM, or -errno of a file that cannot be
 * read.
 */
int dns_servers_add_system(DnsServers *servers, const char *path);

/* The same of the text of such a file, which is cut up. 1; 0 where it names none; -ENOMEM. */
int dns_servers_add_resolv_conf(DnsServers *servers, char *text);
