/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Front servers: connections from their addresses must begin with a PROXY header, which says who
 * the client is (proxy-header.h). */

#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"
#include "policy/source.h"

/* The addresses of all front servers. Borrowed. */
typedef struct FrontServers {
    const AddressPrefix *prefixes;
    size_t n;
} FrontServers;

bool front_servers_have(const FrontServers *servers, const SocketAddress *peer);

/* Whether the connection comes from one of them. */
bool front_servers_send(const FrontServers *servers, int fd);

/**
 * front_servers_identify() - find out whose connection it is, as TurnRules.identify does
 * @source: changed to that of the client if the header names one
 *
 * Only looks at the header, and only if the peer is a front server: what clients choose to send is
 * not read here. A connection without a header counts as the front server's.
 *
 * Returns false while the header is incomplete.
 */
bool front_servers_identify(const FrontServers *servers, int fd, Source *source);
