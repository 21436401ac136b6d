/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/source.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t translator_prefix[12] = { [1] = 0x64, [2] = 0xff, [3] = 0x9b };

static bool embeds_ipv4(const struct in6_addr *address)
{
    return IN6_IS_ADDR_V4MAPPED(address) ||
           memcmp(address->s6_addr, translator_prefix, sizeof(translator_prefix)) == 0;
}

Source source_of(const SocketAddress *peer)
{
    const struct in6_addr *six = &peer->in6.sin6_addr;
    Source source = { .family = peer->sa.sa_family };

    if (source.family == AF_INET) {
        memcpy(source.bytes, &peer->in.sin_addr, 4);
    } else if (source.family == AF_INET6 && embeds_ipv4(six)) {
        source.family = AF_INET;
        memcpy(source.bytes, six->s6_addr + 12, 4);
    } else if (source.family == AF_INET6) {
        memcpy(source.bytes, six->s6_addr, 8);
    } else {
        source.family = AF_UNIX;
    }
    return source;
}

bool source_equal(const Source *a, const Source *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

const char *source_format(const Source *source, char buf[SOURCE_TEXT_SIZE])
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr six;

    memcpy(&six, source->bytes, sizeof(six));
    if (source->family == AF_UNIX || !inet_ntop(source->family, &six, address, sizeof(address)))
        (void)snprintf(buf, SOURCE_TEXT_SIZE, "unix sockets");
    else
        (void)snprintf(buf, SOURCE_TEXT_SIZE, "%s%s", address,
                       source->family == AF_INET6 ? "/64" : "");
    return buf;
}

Source source_parse(const char *address)
{
    SocketAddress peer;

    if (!address || socket_address_parse(address, &peer) < 0)
        return (Source){ .family = AF_UNIX };
    return source_of(&peer);
}

const char *source_of_text(const char *address, char buf[SOURCE_TEXT_SIZE])
{
    const Source source = source_parse(address);

    return source.family == AF_UNIX ? NULL : source_format(&source, buf);
}

void source_name(const char *address, char buf[SOURCE_TEXT_SIZE])
{
    if (!source_of_text(address, buf))
        (void)snprintf(buf, SOURCE_TEXT_SIZE, SOURCE_UNKNOWN);
}
