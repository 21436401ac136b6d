/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A client as limits count it: by its address, and an IPv6 client by its /64, of which it can use
 * any address. */

#include <arpa/inet.h>

#define CLIENT_SOURCE_SIZE (INET6_ADDRSTRLEN + sizeof("/64"))

/* Formats the source of a client: "192.0.2.7", "2001:db8:0:1::/64". @client: the address as the
 * handler wrote it; NULL: unknown. Returns @buf; NULL: it is not an address. */
const char *client_source(const char *client, char buf[CLIENT_SOURCE_SIZE]);
