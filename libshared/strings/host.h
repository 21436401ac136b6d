/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The host of an HTTP request (RFC 9110 §7.2), in the one form in which hosts can be compared. */

#include <stdbool.h>
#include <stddef.h>

#define HOST_SIZE 256

/**
 * host_parse() - normalise a host
 * @text, @length: a name, an IPv4 address, or an IPv6 address with or without brackets
 * @ret: the name in lower case, without the dot at its end; or the address, without brackets and
 * as short as inet_ntop(3) writes it
 *
 * Returns 0; -EINVAL if it is none of these.
 */
int host_parse(const char *text, size_t length, char ret[HOST_SIZE]);

/* The same for the value of a Host header, whose port is ignored. An IPv6 address needs its
 * brackets there (RFC 3986 §3.2.2). */
int host_parse_header(const char *value, char ret[HOST_SIZE]);

/* Whether this is what a URI and a Host header may have there: a name of the characters of a
 * reg-name or an IP address, not empty, and a port, which may be empty (RFC 3986 §3.2.2, §3.2.3).
 * Without user information, which RFC 9110 §4.2.4 calls an error. */
bool host_is_authority(const char *value);
