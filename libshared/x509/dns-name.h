/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Host names as certificates carry them. */

#include <stdbool.h>
#include <stddef.h>

#define DNS_NAME_MAX 253

/* A host name of LDH labels (RFC 1123 §2.1; at most 63 and 253 bytes; no root dot; last label not
 * all digits), or such a name behind "*." (RFC 9525 §6.3). Takes the folded form: lower case. */
bool dns_name_is_valid(const char *name);

/* The name behind "*.", or the name itself; borrowed from it. */
const char *dns_name_base(const char *name);

/* "www.example.org" is below "example.org" and "org", but not below itself. */
bool dns_name_is_below(const char *name, const char *domain);

/* ASCII upper to lower case, in place. */
void dns_name_fold(char *name);

/* fnmatch without escapes, * crosses dots; a * in the name is matched only by a * in the pattern.
 * Both folded. */
bool dns_name_matches(const char *name, const char *pattern);
