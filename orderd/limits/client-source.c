/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/client-source.h"

#include <stdio.h>
#include <string.h>

#define NETWORK_SIZE 8 /* bytes of a /64 */

const char *client_source(const char *client, char buf[CLIENT_SOURCE_SIZE])
{
    struct in6_addr address;
    struct in_addr short_address;
    char text[INET6_ADDRSTRLEN];

    if (!client)
        return NULL;
    if (inet_pton(AF_INET, client, &short_address) == 1)
        return inet_ntop(AF_INET, &short_address, buf, CLIENT_SOURCE_SIZE);
    if (inet_pton(AF_INET6, client, &address) != 1)
        return NULL;
    memset(address.s6_addr + NETWORK_SIZE, 0, sizeof(address) - NETWORK_SIZE);
    if (!inet_ntop(AF_INET6, &address, text, sizeof(text)))
        return NULL;
    (void)snprintf(buf, CLIENT_SOURCE_SIZE, "%s/64", text);
    return buf;
}
