/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The servers that a zone names (its NS records), with their addresses. */

#include "dns/settings.h"

typedef struct ZoneServers ZoneServers;

typedef struct ZoneServer {
    char *name;
    DnsServers addresses; /* none: it has none, and nobody can ask it */
} ZoneServer;

/* @trouble: why they are not known; NULL: they are. Borrowed. */
typedef void (*zone_servers_cb)(const char *trouble, void *userdata);

/**
 * zone_servers_find() - look up the servers of a zone
 * @settings, @zone: borrowed as long as *ret is there
 *
 * Asks the resolvers, or else the servers that are updated. The callback comes once, from the event
 * loop, and may free *ret. 0 or -errno.
 */
int zone_servers_find(const DnsSettings *settings, const char *zone, zone_servers_cb callback,
                      void *userdata, ZoneServers **ret);
ZoneServers *zone_servers_free(ZoneServers *servers); /* NULL is fine; always returns NULL */

/* What was found. Borrowed. */
size_t zone_servers_count(const ZoneServers *servers);
const ZoneServer *zone_servers_get(const ZoneServers *servers, size_t i);
