/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The source of connections and orders: all that come from one source share a limit. */

#include "net/address.h"

/* An IPv4 address, also one embedded in IPv6: mapped (::ffff:0:0/96), or by a translator with the
 * well-known prefix (64:ff9b::/96, RFC 6052 §2.1), behind which the /64 is all of IPv4; the /64 of
 * another IPv6 address, which one machine may have to itself: also the link-local one, since a
 * machine can have any number of addresses in it; or, with another family than both,
 * every connection without an internet address: those to unix sockets, where the mode of the
 * socket's file decides who connects. */
typedef struct Source {
    int family;
    uint8_t bytes[16];
} Source;

/* The only place that decides what counts as the source of a connection from @peer. */
Source source_of(const SocketAddress *peer);

bool source_equal(const Source *a, const Source *b);

#define SOURCE_TEXT_SIZE (INET6_ADDRSTRLEN + sizeof("/64"))

/* Formats a source into @buf: "192.0.2.1", "2001:db8::/64", "unix sockets". Returns
 * @buf. */
const char *source_format(const Source *source, char buf[SOURCE_TEXT_SIZE]);

/* The source of a client whose address is given as text; of every client without an internet
 * address if it is NULL, or no address. */
Source source_parse(const char *address);

/* Formats the source of a client whose address is given as text; NULL: unknown. Returns @buf; NULL:
 * it is not an internet address. */
const char *source_of_text(const char *address, char buf[SOURCE_TEXT_SIZE]);

/* The same as a name to compare sources by: SOURCE_UNKNOWN in place of NULL. */
#define SOURCE_UNKNOWN "-"
void source_name(const char *address, char buf[SOURCE_TEXT_SIZE]);
