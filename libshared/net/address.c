/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/macro.h"
#include "base/number.h"
#include "base/path.h"

#define MAPPED_BITS 96U
#define DIGITS      "0123456789"

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

static unsigned family_bits(int family)
{
    return family == AF_INET ? 32 : 128;
}

static int parse_number(const char *text, unsigned max, unsigned *ret)
{
    uint64_t value;
    int r = number_parse(text, strlen(text), max, &value);

    if (r < 0)
        return r;
    *ret = (unsigned)value;
    return 0;
}

static bool is_mapped(const uint8_t bytes[16])
{
    return memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

/* Clears the host bits; returns whether any was set. */
static bool clear_host_bits(AddressPrefix *prefix)
{
    bool cleared = false;

    for (unsigned i = 0; i < family_bits(prefix->family) / 8; i++) {
        unsigned start = i * 8;
        uint8_t keep = start + 8 <= prefix->length ? 0xff
                       : start >= prefix->length
                           ? 0
                           : (uint8_t)(0xff << (8 - (prefix->length - start)));

        if (prefix->bytes[i] & ~keep)
            cleared = true;
        prefix->bytes[i] &= keep;
    }
    return cleared;
}

static void unmap(AddressPrefix *prefix)
{
    if (prefix->family != AF_INET6 || prefix->length < MAPPED_BITS || !is_mapped(prefix->bytes))
        return;
    prefix->family = AF_INET;
    prefix->length -= MAPPED_BITS;
    memmove(prefix->bytes, prefix->bytes + 12, 4);
    memset(prefix->bytes + 4, 0, 12);
}

static int describe_meant(const AddressPrefix *cleared, const char *host, char **ret)
{
    char network[INET6_ADDRSTRLEN] = "";

    (void)inet_ntop(cleared->family, cleared->bytes, network, sizeof(network));
    if (asprintf(ret, "%s/%u, or %s for the one host", network, cleared->length, host) < 0)
        return -ENOMEM;
    return -EINVAL;
}

int address_prefix_parse(const char *text, AddressPrefix *ret, char **ret_meant)
{
    AddressPrefix prefix = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    char host[INET6_ADDRSTRLEN];

    *ret_meant = NULL;
    if (length >= sizeof(host))
        return -EINVAL;
    memcpy(host, text, length);
    host[length] = '\0';
    if (inet_pton(prefix.family, host, prefix.bytes) != 1)
        return -EINVAL;

    prefix.length = family_bits(prefix.family);
    if (slash && parse_number(slash + 1, prefix.length, &prefix.length) < 0)
        return -EINVAL;
    if (clear_host_bits(&prefix))
        return describe_meant(&prefix, host, ret_meant);
    unmap(&prefix);
    *ret = prefix;
    return 0;
}

static bool prefix_contains(const AddressPrefix *prefix, AddressPrefix one)
{
    if (one.family != prefix->family)
        return false;
    one.length = prefix->length;
    (void)clear_host_bits(&one);
    return memcmp(one.bytes, prefix->bytes, sizeof(one.bytes)) == 0;
}

/* Makes a prefix of the one host. False if it is neither IPv4 nor IPv6. */
static bool prefix_of_socket(const SocketAddress *address, AddressPrefix *ret)
{
    AddressPrefix one = { .family = address->sa.sa_family };

    if (one.family == AF_INET)
        memcpy(one.bytes, &address->in.sin_addr, 4);
    else if (one.family == AF_INET6)
        memcpy(one.bytes, &address->in6.sin6_addr, 16);
    else
        return false;
    one.length = family_bits(one.family);
    unmap(&one);
    *ret = one;
    return true;
}

const char *address_prefix_format(const AddressPrefix *prefix, char buf[ADDRESS_PREFIX_SIZE])
{
    char address[INET6_ADDRSTRLEN];

    (void)inet_ntop(prefix->family, prefix->bytes, address, sizeof(address));
    (void)snprintf(buf, ADDRESS_PREFIX_SIZE, "%s/%u", address, prefix->length);
    return buf;
}

bool address_prefix_contains(const AddressPrefix *prefix, const SocketAddress *peer)
{
    AddressPrefix one;

    return prefix_of_socket(peer, &one) && prefix_contains(prefix, one);
}

bool address_prefix_covers(const AddressPrefix *prefix, const char *address)
{
    _cleanup_free_ char *meant = NULL;
    AddressPrefix one;

    return address_prefix_parse(address, &one, &meant) >= 0 && prefix_contains(prefix, one);
}

int address_from_octets(const uint8_t *octets, size_t size, char buf[INET6_ADDRSTRLEN])
{
    bool is_long = size == sizeof(struct in6_addr);

    if ((!is_long && size != sizeof(struct in_addr)) || (is_long && is_mapped(octets)))
        return -EINVAL;
    return inet_ntop(is_long ? AF_INET6 : AF_INET, octets, buf, INET6_ADDRSTRLEN) ? 0 : -errno;
}

int address_reverse_name(const char *address, char buf[ADDRESS_REVERSE_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t octets[16];

    if (inet_pton(AF_INET, address, octets) == 1) {
        (void)snprintf(buf, ADDRESS_REVERSE_SIZE, "%u.%u.%u.%u.in-addr.arpa", octets[3], octets[2],
                       octets[1], octets[0]);
        return 0;
    }
    if (inet_pton(AF_INET6, address, octets) != 1)
        return -EINVAL;
    for (size_t i = sizeof(octets); i-- > 0;) {
        *buf++ = digits[octets[i] & 0xf];
        *buf++ = '.';
        *buf++ = digits[octets[i] >> 4];
        *buf++ = '.';
    }
    memcpy(buf, "ip6.arpa", sizeof("ip6.arpa"));
    return 0;
}

/* Accepts less than the kernel: the names that BindToDevice= of systemd.socket(5) accepts, where a
 * number would be an index. */
static bool interface_is_valid(const char *name)
{
    static const char usable[] = DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-+@";
    size_t length = strlen(name);

    return length < IF_NAMESIZE && strspn(name, usable) == length && name[0] != '.' &&
           strspn(name, DIGITS) < length;
}

static int parse_unix(const char *text, ListenAddress *ret)
{
    if (strlen(text) >= sizeof(((struct sockaddr_un *)NULL)->sun_path) || !path_is_usable(text))
        return -EINVAL;
    ret->kind = LISTEN_UNIX;
    ret->address = strdup(text);
    return ret->address ? 0 : -ENOMEM;
}

/* @host: "[fe80::80%eth0]" or "192.0.2.80"; modified */
static int parse_host(char *host, ListenAddress *ret)
{
    size_t length = strlen(host);
    char *interface = NULL;
    int family = AF_INET;

    if (host[0] == '[') {
        if (host[length - 1] != ']')
            return -EINVAL;
        host[length - 1] = '\0';
        host++;
        interface = strchr(host, '%');
        if (interface)
            *interface++ = '\0';
        family = AF_INET6;
    }
    if (inet_pton(family, host, ret->bytes) != 1 || (interface && !interface_is_valid(interface)))
        return -EINVAL;
    ret->kind = family == AF_INET ? LISTEN_INET : LISTEN_INET6;
    ret->address = strdup(host);
    ret->interface = interface ? strdup(interface) : NULL;
    return ret->address && (!interface || ret->interface) ? 0 : -ENOMEM;
}

int listen_address_parse(const char *text, ListenAddress *ret)
{
    _cleanup_(listen_address_done) ListenAddress address = { 0 };
    _cleanup_free_ char *copy = strdup(text);
    char *colon;
    int r;

    if (!copy)
        return -ENOMEM;
    if (text[0] == '/') {
        r = parse_unix(text, &address);
    } else {
        colon = strrchr(copy, ':');
        if (!colon || colon == copy || parse_number(colon + 1, UINT16_MAX, &address.port) < 0 ||
            address.port == 0)
            return -EINVAL;
        *colon = '\0';
        r = parse_host(copy, &address);
    }
    if (r < 0)
        return r;
    *ret = address;
    address = (ListenAddress){ 0 };
    return 0;
}

void listen_address_done(ListenAddress *address)
{
    free(address->address);
    free(address->interface);
    *address = (ListenAddress){ 0 };
}

const char *listen_address_format(const ListenAddress *address, char buf[LISTEN_ADDRESS_SIZE])
{
    bool is_bracketed = address->kind == LISTEN_INET6;

    if (address->kind == LISTEN_UNIX)
        return address->address;
    (void)snprintf(buf, LISTEN_ADDRESS_SIZE, "%s%s%s:%u", is_bracketed ? "[" : "", address->address,
                   is_bracketed ? "]" : "", address->port);
    return buf;
}

int listen_address_compare(const ListenAddress *a, const ListenAddress *b)
{
    int r = strcmp(str_or(a->interface, ""), str_or(b->interface, ""));

    if (r == 0)
        r = (int)a->kind - (int)b->kind;
    if (r == 0)
        r = a->kind == LISTEN_UNIX ? strcmp(a->address, b->address)
                                   : memcmp(a->bytes, b->bytes, sizeof(a->bytes));
    return r != 0 ? r : (int)a->port - (int)b->port;
}

bool listen_address_is_any(const ListenAddress *address)
{
    static const uint8_t any[16];

    return address->kind != LISTEN_UNIX && memcmp(address->bytes, any, sizeof(any)) == 0;
}

bool listen_address_is_loopback(const ListenAddress *address)
{
    static const uint8_t loopback[16] = { [15] = 1 };

    return address->kind == LISTEN_INET6 ? memcmp(address->bytes, loopback, sizeof(loopback)) == 0
                                         : address->kind == LISTEN_INET && address->bytes[0] == 127;
}

bool listen_address_needs_network(const ListenAddress *address)
{
    if (address->kind == LISTEN_UNIX || listen_address_is_any(address))
        return false;
    /* ::1 is missing if IPv6 is disabled. */
    return address->kind == LISTEN_INET6 || address->bytes[0] != 127;
}

int socket_peer(int fd, SocketAddress *ret)
{
    SocketAddress peer = { .storage = { .ss_family = AF_UNSPEC } };
    socklen_t size = sizeof(peer);

    /* A client that has already disconnected has no address: it matches no prefix. */
    if (getpeername(fd, &peer.sa, &size) < 0 && errno != ENOTCONN)
        return -errno;
    *ret = peer;
    return 0;
}

int socket_own(int fd, SocketAddress *ret)
{
    SocketAddress own = { .storage = { .ss_family = AF_UNSPEC } };
    socklen_t size = sizeof(own);

    if (getsockname(fd, &own.sa, &size) < 0)
        return -errno;
    *ret = own;
    return 0;
}

/* IPv4 and IPv6 socket addresses have the port at the same offset. */
static in_port_t port_of(const SocketAddress *address)
{
    return address->in.sin_port;
}

int socket_address_parse(const char *text, SocketAddress *ret)
{
    SocketAddress address = { 0 };

    if (inet_pton(AF_INET, text, &address.in.sin_addr) == 1)
        address.in.sin_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &address.in6.sin6_addr) == 1)
        address.in6.sin6_family = AF_INET6;
    else
        return -EINVAL;
    *ret = address;
    return 0;
}

bool socket_address_equal(const SocketAddress *a, const SocketAddress *b)
{
    AddressPrefix one;

    return prefix_of_socket(a, &one) && address_prefix_contains(&one, b) &&
           port_of(a) == port_of(b);
}

const char *socket_address_format(const SocketAddress *address, char buf[INET6_ADDRSTRLEN])
{
    const void *bytes = NULL;
    int family = address->sa.sa_family;

    if (family == AF_INET) {
        bytes = &address->in.sin_addr;
    } else if (family == AF_INET6 && is_mapped(address->in6.sin6_addr.s6_addr)) {
        family = AF_INET;
        bytes = address->in6.sin6_addr.s6_addr + 12;
    } else if (family == AF_INET6) {
        bytes = &address->in6.sin6_addr;
    }
    if (!bytes || !inet_ntop(family, bytes, buf, INET6_ADDRSTRLEN))
        (void)snprintf(buf, INET6_ADDRSTRLEN, "%s", family == AF_UNIX ? "unix" : "unknown");
    return buf;
}
