/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The source of connections and orders: all that come from one source share a limit. */

#include "base/address.h"

/* An IPv4 address, also one mapped into IPv6; the /64 of an IPv6 address, which one machine may
 * have to itself; or, with another family than both, every connection without an internet address:
 * those to unix sockets, where the mode of the socket's file decides who connects. */
typedef struct Source {
    int family;
    uint8_t bytes[8];
} Source;

/* The only place that decides what counts as the source of a connection from @peer. */
Source source_of(const SocketAddress *peer);

bool source_equal(const Source *a, const Source *b);

#define SOURCE_TEXT_SIZE (INET6_ADDRSTRLEN + sizeof("/64"))

/* Formats a source into @buf: "192.0.2.1", "2001:db8::/64", "unix sockets". Returns @buf. */
const char *source_format(const Source *source, char buf[SOURCE_TEXT_SIZE]);

/* Formats the source of a client whose address is given as text; NULL: unknown. Returns @buf; NULL:
 * it is not an internet address. */
const char *source_of_text(const char *address, char buf[SOURCE_TEXT_SIZE]);
