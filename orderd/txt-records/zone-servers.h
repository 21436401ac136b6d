/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Find the name servers of a zone (its NS records) and their addresses. */

#include "dns/settings.h"

typedef struct ZoneServers ZoneServers;

typedef struct ZoneServer {
    char *name;
    DnsServers addresses; /* may be empty: then the CA cannot ask it either */
} ZoneServer;

/* @trouble: why they were not found; NULL: they were. Borrowed. */
typedef void (*zone_servers_cb)(const char *trouble, void *userdata);

/**
 * zone_servers_find() - look up the name servers of a zone
 * @settings, @zone: borrowed as long as *ret exists
 *
 * Asks the resolvers, or else the servers that are updated. The callback comes once, from the event
 * loop, unless *ret is freed before; it may free *ret. 0 or -errno.
 */
int zone_servers_find(const DnsSettings *settings, const char *zone, zone_servers_cb callback,
                      void *userdata, ZoneServers **ret);
ZoneServers *zone_servers_free(ZoneServers *servers); /* NULL is fine; always returns NULL */

/* Ends the search without a callback. What was found stays. NULL is fine. */
void zone_servers_stop(ZoneServers *servers);

/* The servers that were found. Borrowed. */
size_t zone_servers_count(const ZoneServers *servers);
const ZoneServer *zone_servers_get(const ZoneServers *servers, size_t i);
