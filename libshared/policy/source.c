/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/source.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

Source source_of(const SocketAddress *peer)
{
    const struct in6_addr *six = &peer->in6.sin6_addr;
    Source source = { .family = peer->sa.sa_family };

    if (source.family == AF_INET) {
        memcpy(source.bytes, &peer->in.sin_addr, 4);
    } else if (source.family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(six)) {
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
    uint8_t bytes[16] = { 0 };
    char address[INET6_ADDRSTRLEN];

    memcpy(bytes, source->bytes, sizeof(source->bytes));
    if (source->family == AF_UNIX || !inet_ntop(source->family, bytes, address, sizeof(address)))
        (void)snprintf(buf, SOURCE_TEXT_SIZE, "unix sockets");
    else
        (void)snprintf(buf, SOURCE_TEXT_SIZE, "%s%s", address,
                       source->family == AF_INET6 ? "/64" : "");
    return buf;
}

const char *source_of_text(const char *address, char buf[SOURCE_TEXT_SIZE])
{
    SocketAddress peer = { 0 };
    Source source;

    if (!address)
        return NULL;
    if (inet_pton(AF_INET, address, &peer.in.sin_addr) == 1)
        peer.sa.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, address, &peer.in6.sin6_addr) == 1)
        peer.sa.sa_family = AF_INET6;
    else
        return NULL;
    source = source_of(&peer);
    return source_format(&source, buf);
}
