/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Internet addresses: prefixes that a client is compared with, sockets to listen on, peers. */

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
 * address_prefix_parse() - "192.0.2.1", "192.0.2.0/24", "2001:db8::/32"
 * @ret_meant: on -EINVAL for a prefix with host bits set ("192.0.2.1/24"): what was probably
 *             meant ("192.0.2.0/24, or 192.0.2.1 for the one host"), else NULL; free()
 *
 * Returns 0, -EINVAL, -ENOMEM. IPv4-mapped IPv6 addresses are stored as IPv4.
 */
int address_prefix_parse(const char *text, AddressPrefix *ret, char **ret_meant);

/* Whether the peer is inside; IPv4-mapped peers count as IPv4; other families never are. */
bool address_prefix_contains(const AddressPrefix *prefix, const SocketAddress *peer);

/* The same for an address as address_from_octets() writes it. */
bool address_prefix_covers(const AddressPrefix *prefix, const char *address);

/* An address of a certificate (RFC 5280 §4.2.1.6), 4 or 16 bytes, as ACME writes it (RFC 8738 §3).
 * -EINVAL for another size, and for an IPv4 address mapped into IPv6, which would be a second way
 * to write the same. */
int address_from_octets(const uint8_t *octets, size_t size, char buf[INET6_ADDRSTRLEN]);

/* Room for the longest one, of IPv6, and its NUL. */
#define ADDRESS_REVERSE_SIZE                                                                       \
    sizeof("f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.ip6.arpa")

/* The name of an address in DNS: "1.2.0.192.in-addr.arpa" (RFC 1035 §3.5), "1.0.….ip6.arpa" (RFC
 * 3596 §2.5). 0; -EINVAL for what is no address. */
int address_reverse_name(const char *address, char buf[ADDRESS_REVERSE_SIZE]);

/* What a listener says; kept as text, systemd binds it. */
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

/* An order in which those with the same interface stand together, those without one first; 0: the
 * same socket, however it is written. */
int listen_address_compare(const ListenAddress *a, const ListenAddress *b);

bool listen_address_is_any(const ListenAddress *address);      /* 0.0.0.0 or :: */
bool listen_address_is_loopback(const ListenAddress *address); /* 127.0.0.0/8 or ::1 */

/* Whether the address may not be there yet, or at all: it is neither a wildcard, 127.0.0.0/8 nor
 * unix. */
bool listen_address_needs_network(const ListenAddress *address);

/* Peer of a connected socket; family AF_UNSPEC where it has none. 0 or -errno. */
int socket_peer(int fd, SocketAddress *ret);

/* Its own end: the address that the peer came to. 0 or -errno. */
int socket_own(int fd, SocketAddress *ret);

/* Whether both are the same address and port of the internet; IPv4-mapped ones count as IPv4. */
bool socket_address_equal(const SocketAddress *a, const SocketAddress *b);

/* "192.0.2.1", "2001:db8::1", "unix"; IPv4-mapped as IPv4; into @buf, INET6_ADDRSTRLEN bytes. */
const char *socket_address_format(const SocketAddress *address, char buf[INET6_ADDRSTRLEN]);
