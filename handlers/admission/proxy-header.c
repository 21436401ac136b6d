/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admission/proxy-header.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/number.h"

/* §2.1: the longest line of version 1, with its CRLF. */
#define LINE_SIZE_MAX 107U
/* §2.2: signature, version and command, family and protocol, length of what follows. */
#define FIXED_SIZE 16U
#define VERSION    0x20
#define TCP4       0x11
#define TCP6       0x21
/* Addresses and ports of both ends. */
#define TCP4_SIZE 12U
#define TCP6_SIZE 36U

enum { COMMAND_LOCAL, COMMAND_PROXY };

static const uint8_t signature[] = { '\r', '\n', '\r', '\n', '\0', '\r',
                                     '\n', 'Q',  'U',  'I',  'T',  '\n' };
#define KEYWORD "PROXY "

static bool begins_with(const void *data, size_t size, const void *start, size_t start_size)
{
    return memcmp(data, start, size < start_size ? size : start_size) == 0;
}

static SocketAddress inet_address(const uint8_t *bytes, const uint8_t *port)
{
    SocketAddress address = { .in.sin_family = AF_INET };

    memcpy(&address.in.sin_addr, bytes, sizeof(address.in.sin_addr));
    memcpy(&address.in.sin_port, port, sizeof(address.in.sin_port));
    return address;
}

static SocketAddress inet6_address(const uint8_t *bytes, const uint8_t *port)
{
    SocketAddress address = { .in6.sin6_family = AF_INET6 };

    memcpy(&address.in6.sin6_addr, bytes, sizeof(address.in6.sin6_addr));
    memcpy(&address.in6.sin6_port, port, sizeof(address.in6.sin6_port));
    return address;
}

/* What a family and protocol that is about no internet address means: 0x00 is unknown, 0x31 a unix
 * socket. A datagram has no place on this connection. */
static bool is_without_address(uint8_t family)
{
    return family == 0x00 || family == 0x31;
}

static int read_binary(const uint8_t *data, size_t size, SocketAddress *ret)
{
    size_t rest;

    if (size < FIXED_SIZE)
        return 0;
    rest = (size_t)data[14] << 8 | data[15];
    if ((data[12] & 0xf0) != VERSION || (data[12] & 0x0f) > COMMAND_PROXY ||
        FIXED_SIZE + rest > PROXY_HEADER_SIZE_MAX)
        return -EBADMSG;
    if (size < FIXED_SIZE + rest)
        return 0;
    if ((data[12] & 0x0f) == COMMAND_LOCAL || is_without_address(data[13]))
        ret->sa.sa_family = AF_UNSPEC;
    else if (data[13] == TCP4 && rest >= TCP4_SIZE)
        *ret = inet_address(data + FIXED_SIZE, data + FIXED_SIZE + 8);
    else if (data[13] == TCP6 && rest >= TCP6_SIZE)
        *ret = inet6_address(data + FIXED_SIZE, data + FIXED_SIZE + 32);
    else
        return -EBADMSG;
    return (int)(FIXED_SIZE + rest);
}

/* Reads an address in its text form, and the text form of a port. */
static int parse_end(int family, const char *address, const char *port, SocketAddress *ret)
{
    uint8_t bytes[sizeof(struct in6_addr)];
    uint64_t number;
    in_port_t in_order;

    if (inet_pton(family, address, bytes) != 1 ||
        number_parse(port, strlen(port), UINT16_MAX, &number) < 0)
        return -EBADMSG;
    in_order = htons((uint16_t)number);
    *ret = family == AF_INET ? inet_address(bytes, (const uint8_t *)&in_order)
                             : inet6_address(bytes, (const uint8_t *)&in_order);
    return 0;
}

/* @line: after "PROXY ", without its CRLF: "TCP4 192.0.2.1 192.0.2.2 1024 443" */
static int parse_line(char *line, SocketAddress *ret)
{
    enum { FAMILY, SOURCE, DESTINATION, SOURCE_PORT, DESTINATION_PORT, N_WORDS };
    const char *words[N_WORDS + 1], *word;
    SocketAddress destination;
    size_t n = 0;
    int family, r;

    while (n <= N_WORDS && (word = strsep(&line, " ")))
        words[n++] = word;
    /* What follows UNKNOWN is to be ignored. */
    if (streq(words[FAMILY], "UNKNOWN")) {
        ret->sa.sa_family = AF_UNSPEC;
        return 0;
    }
    family = streq(words[FAMILY], "TCP4") ? AF_INET : streq(words[FAMILY], "TCP6") ? AF_INET6 : -1;
    if (family < 0 || n != N_WORDS)
        return -EBADMSG;
    r = parse_end(family, words[SOURCE], words[SOURCE_PORT], ret);
    return r < 0 ? r : parse_end(family, words[DESTINATION], words[DESTINATION_PORT], &destination);
}

static int read_text(const char *data, size_t size, SocketAddress *ret)
{
    const char *end = memchr(data, '\n', size < LINE_SIZE_MAX ? size : LINE_SIZE_MAX);
    char line[LINE_SIZE_MAX];
    size_t length;
    int r;

    if (!end)
        return size < LINE_SIZE_MAX ? 0 : -EBADMSG;
    length = (size_t)(end - data) - STRLEN(KEYWORD);
    if (end[-1] != '\r' || memchr(data, '\0', (size_t)(end - data)))
        return -EBADMSG;
    memcpy(line, data + STRLEN(KEYWORD), length);
    line[length - 1] = '\0';
    r = parse_line(line, ret);
    return r < 0 ? r : (int)(end - data) + 1;
}

int proxy_header_read(const void *data, size_t size, SocketAddress *ret)
{
    *ret = (SocketAddress){ .sa.sa_family = AF_UNSPEC };
    if (size == 0)
        return 0;
    if (begins_with(data, size, signature, sizeof(signature)))
        return read_binary(data, size, ret);
    if (!begins_with(data, size, KEYWORD, STRLEN(KEYWORD)))
        return -EBADMSG;
    return size <= STRLEN(KEYWORD) ? 0 : read_text(data, size, ret);
}

/* IPv4-mapped addresses become IPv4. */
static SocketAddress unmapped(const SocketAddress *address)
{
    if (address->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
        return *address;
    return inet_address(address->in6.sin6_addr.s6_addr + 12,
                        (const uint8_t *)&address->in6.sin6_port);
}

static size_t write_addresses(const SocketAddress *source, const SocketAddress *destination,
                              uint8_t *buf)
{
    if (source->sa.sa_family == AF_INET) {
        memcpy(buf, &source->in.sin_addr, 4);
        memcpy(buf + 4, &destination->in.sin_addr, 4);
        memcpy(buf + 8, &source->in.sin_port, 2);
        memcpy(buf + 10, &destination->in.sin_port, 2);
        return TCP4_SIZE;
    }
    memcpy(buf, &source->in6.sin6_addr, 16);
    memcpy(buf + 16, &destination->in6.sin6_addr, 16);
    memcpy(buf + 32, &source->in6.sin6_port, 2);
    memcpy(buf + 34, &destination->in6.sin6_port, 2);
    return TCP6_SIZE;
}

size_t proxy_header_write(const SocketAddress *source, const SocketAddress *destination,
                          uint8_t buf[PROXY_HEADER_WRITE_MAX])
{
    SocketAddress from = unmapped(source), to = unmapped(destination);
    int family = from.sa.sa_family == to.sa.sa_family ? from.sa.sa_family : AF_UNSPEC;
    bool is_inet = family == AF_INET || family == AF_INET6;
    size_t size = is_inet ? write_addresses(&from, &to, buf + FIXED_SIZE) : 0;

    memcpy(buf, signature, sizeof(signature));
    buf[12] = VERSION | (is_inet ? COMMAND_PROXY : COMMAND_LOCAL);
    buf[13] = family == AF_INET ? TCP4 : family == AF_INET6 ? TCP6 : 0;
    buf[14] = 0;
    buf[15] = (uint8_t)size;
    return FIXED_SIZE + size;
}
