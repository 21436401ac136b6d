/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The header of the PROXY protocol, with which a proxy tells the address of its client at the start
 * of a connection (haproxy.org/download/2.8/doc/proxy-protocol.txt). Versions 1 and 2 are read,
 * version 2 is written. */

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

/* The largest header that is read: version 2 can carry more data after the addresses. */
#define PROXY_HEADER_SIZE_MAX 2048U
/* The size of a header with IPv6 addresses and nothing else. */
#define PROXY_HEADER_WRITE_MAX 52U

/**
 * proxy_header_read() - read the header from the first bytes of a connection
 * @ret: the client's address; family AF_UNSPEC if the proxy speaks for itself (LOCAL, UNKNOWN) or
 * for a client without an internet address
 *
 * Returns the size of the header; 0 while it is incomplete; -EBADMSG if the bytes are no header, if
 * it is larger than PROXY_HEADER_SIZE_MAX, or if it is not about a TCP connection.
 */
int proxy_header_read(const void *data, size_t size, SocketAddress *ret);

/* Writes a header of version 2 for a connection from @source to @destination. IPv4-mapped addresses
 * are written as IPv4; anything but two internet addresses of one family as LOCAL. Returns its
 * size. */
size_t proxy_header_write(const SocketAddress *source, const SocketAddress *destination,
                          uint8_t buf[PROXY_HEADER_WRITE_MAX]);
