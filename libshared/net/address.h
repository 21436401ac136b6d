/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Internet addresses: prefixes to compare a client with, sockets to listen on, peers. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

typedef union SocketAddress {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
} SocketAddress;

typedef struct AddressPrefix {
    int family; /* AF_INET or AF_INET6 */
    uint8_t bytes[16];
    unsigned length; /* bits */
} AddressPrefix;

/**
 * address_prefix_parse() - parse "192.0.2.1", "192.0.2.0/24", "2001:db8::/32"
 * @ret_meant: on -EINVAL for a prefix with host bits set ("192.0.2.1/24"): the probable meaning
 * ("192.0.2.0/24, or 192.0.2.1 for the one host"), else NULL; free()
 *
 * Returns 0, -EINVAL, -ENOMEM. IPv4-mapped IPv6 addresses are stored as IPv4.
 */
int address_prefix_parse(const char *text, AddressPrefix *ret, char **ret_meant);

#define ADDRESS_PREFIX_SIZE (INET6_ADDRSTRLEN + sizeof("/128") - 1)

/* Formats a prefix: "192.0.2.0/24". Returns @buf. */
const char *address_prefix_format(const AddressPrefix *prefix, char buf[ADDRESS_PREFIX_SIZE]);

/* Whether the prefix contains the peer. IPv4-mapped peers count as IPv4; other families never
 * match. */
bool address_prefix_contains(const AddressPrefix *prefix, const SocketAddress *peer);

/* The same for an address as formatted by address_from_octets(). */
bool address_prefix_covers(const AddressPrefix *prefix, const char *address);

/* Formats an address of a certificate (RFC 5280 §4.2.1.6), 4 or 16 bytes, as ACME does (RFC 8738
 * §3). Returns 0; -EINVAL for another size, and for an IPv4 address mapped into IPv6, which would
 * be a second form of the same address. */
int address_from_octets(const uint8_t *octets, size_t size, char buf[INET6_ADDRSTRLEN]);

/* Size of the longest name, of IPv6, with its NUL. */
#define ADDRESS_REVERSE_SIZE                                                                       \
    sizeof("f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.ip6.arpa")

/* Makes the reverse DNS name of an address: "1.2.0.192.in-addr.arpa" (RFC 1035 §3.5),
 * "1.0.….ip6.arpa" (RFC 3596 §2.5). Returns 0; -EINVAL if it is not an address. */
int address_reverse_name(const char *address, char buf[ADDRESS_REVERSE_SIZE]);

/* The address of a listener, kept as text: systemd binds the socket. */
typedef enum ListenKind { LISTEN_INET, LISTEN_INET6, LISTEN_UNIX } ListenKind;

typedef struct ListenAddress {
    ListenKind kind;
    char *address;     /* "192.0.2.80", "fe80::80", or the path of a unix socket */
    uint8_t bytes[16]; /* the same in binary, not for a unix socket */
    char *interface;   /* "eth0" of [fe80::80%eth0], else NULL */
    unsigned port;
} ListenAddress;

/* "192.0.2.80:1380", "[::1]:1313", "[fe80::80%eth0]:1380", "/run/x.sock". 0, -EINVAL, -ENOMEM. */
int listen_address_parse(const char *text, ListenAddress *ret);
void listen_address_done(ListenAddress *address);

#define LISTEN_ADDRESS_SIZE (INET6_ADDRSTRLEN + sizeof("[]:65535") - 1)

/* Formats an address without its interface: "192.0.2.80:1380", "[::1]:1313". Returns @buf, or the
 * path of a unix socket. */
const char *listen_address_format(const ListenAddress *address, char buf[LISTEN_ADDRESS_SIZE]);

/* Orders addresses by interface, those without one first. 0: the same socket, in any spelling. */
int listen_address_compare(const ListenAddress *a, const ListenAddress *b);

bool listen_address_is_any(const ListenAddress *address);      /* 0.0.0.0 or :: */
bool listen_address_is_loopback(const ListenAddress *address); /* 127.0.0.0/8 or ::1 */

/* Whether the address may be missing, now or at all: it is neither a wildcard, 127.0.0.0/8 nor a
 * unix socket. */
bool listen_address_needs_network(const ListenAddress *address);

/* Gets the peer of a connected socket; family AF_UNSPEC if it has none. Returns 0 or -errno. */
int socket_peer(int fd, SocketAddress *ret);

/* Gets the local address, which the peer connected to. Returns 0 or -errno. */
int socket_own(int fd, SocketAddress *ret);

/* Parses "192.0.2.1" or "2001:db8::1" to an address with port 0 and without an interface. Returns 0
 * or -EINVAL. */
int socket_address_parse(const char *text, SocketAddress *ret);

/* Whether both are the same internet address and port. IPv4-mapped addresses count as IPv4. */
bool socket_address_equal(const SocketAddress *a, const SocketAddress *b);

/* Formats an address into @buf: "192.0.2.1", "2001:db8::1", "unix"; IPv4-mapped as IPv4. Returns
 * @buf. */
const char *socket_address_format(const SocketAddress *address, char buf[INET6_ADDRSTRLEN]);
