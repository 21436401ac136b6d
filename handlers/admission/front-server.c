/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admission/front-server.h"

#include "admission/proxy-header.h"

bool front_servers_have(const FrontServers *servers, const SocketAddress *peer)
{
    for (size_t i = 0; i < servers->n; i++)
        if (address_prefix_contains(&servers->prefixes[i], peer))
            return true;
    return false;
}

bool front_servers_send(const FrontServers *servers, int fd)
{
    SocketAddress peer;

    return servers->n > 0 && socket_peer(fd, &peer) >= 0 && front_servers_have(servers, &peer);
}

bool front_servers_identify(const FrontServers *servers, int fd, Source *source)
{
    uint8_t start[PROXY_HEADER_SIZE_MAX];
    SocketAddress client;
    ssize_t n;
    int size;

    if (!front_servers_send(servers, fd))
        return true;
    n = recv(fd, start, sizeof(start), MSG_PEEK | MSG_DONTWAIT);
    if (n <= 0)
        return false;
    size = proxy_header_read(start, (size_t)n, &client);
    if (size > 0 && client.sa.sa_family != AF_UNSPEC)
        *source = source_of(&client);
    return size != 0;
}
