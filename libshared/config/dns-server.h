/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Addresses of DNS servers: from acmems.ini, from /etc/resolv.conf, from answers. */

#include <net/if.h>

#include "base/macro.h"
#include "net/address.h"

#define DNS_PORT            53U
#define DNS_SERVERS_MAX     64U /* in one list; further ones are dropped */
#define DNS_SERVER_TEXT_MAX (INET6_ADDRSTRLEN + IF_NAMESIZE + STRLEN("[%]:65535"))

typedef struct DnsServer {
    SocketAddress address;
    socklen_t size;
    char text[DNS_SERVER_TEXT_MAX + 1]; /* "192.0.2.53", "[2001:db8::53]:5353": for messages */
} DnsServer;

/* Empty when zeroed. */
typedef struct DnsServers {
    DnsServer *list;
    size_t n;
} DnsServers;

void dns_servers_done(DnsServers *servers);

/**
 * dns_server_parse() - parse "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"
 *
 * A link-local address needs an interface, by name or number; other addresses must not have one:
 * "fe80::53%eth0", "[fe80::53%eth0]:5353". With an interface that is missing now, the result cannot
 * be reached.
 *
 * Returns 0; -EINVAL if it is not an address; -EDESTADDRREQ for a link-local address without an
 * interface; -EADDRNOTAVAIL for another address with an interface.
 */
int dns_server_parse(const char *text, DnsServer *ret);

/* The same for a check of the configuration: does not look for the interface. */
int dns_server_check(const char *text);

/* Whether it is a link-local address whose interface is unknown or missing. */
bool dns_server_lacks_interface(const DnsServer *server);

/* Converts the 4 or 16 bytes of an A or AAAA record. Returns 0 or -EINVAL. */
int dns_server_from_octets(const uint8_t *octets, size_t size, DnsServer *ret);

bool dns_server_equal(const DnsServer *a, const DnsServer *b);        /* address and port */
bool dns_server_same_machine(const DnsServer *a, const DnsServer *b); /* the address alone */

/* The texts of all, separated by spaces. New string; NULL when out of memory. */
char *dns_servers_format(const DnsServers *servers);

/* Adds a copy, unless it is in the list already. Returns 0 or -ENOMEM. */
int dns_servers_add(DnsServers *servers, const DnsServer *server);
int dns_servers_add_all(DnsServers *servers,
                        char *const *texts); /* also the errors of dns_server_parse() */
int dns_servers_add_list(DnsServers *servers, const DnsServers *others);

/* Adds the servers of a text from dns_servers_format(); ignores other words. Returns 0 or -ENOMEM.
 */
int dns_servers_add_names(DnsServers *servers, const char *names);

void dns_servers_remove(DnsServers *servers, const DnsServer *server);

/**
 * dns_servers_add_system() - add the resolvers of resolv.conf(5)
 * @path: the file; NULL for /etc/resolv.conf
 *
 * Reads addresses as libc does: link-local ones with or without an interface ("fe80::53%eth0"), no
 * ports. Adds 127.0.0.1 if the file names none or is missing. Returns 0, -ENOMEM, or -errno if the
 * file cannot be read.
 */
int dns_servers_add_system(DnsServers *servers, const char *path);

/* The same for the text of such a file; writes to @text. Returns 1; 0 if it names no resolver;
 * -ENOMEM. */
int dns_servers_add_resolv_conf(DnsServers *servers, char *text);
