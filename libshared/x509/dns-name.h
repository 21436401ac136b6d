/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Host names as certificates carry them. */

#include <stdbool.h>
#include <stddef.h>

#define DNS_NAME_MAX 253

/* Whether it is a host name of LDH labels (RFC 1123 §2.1; labels up to 63 bytes, name up to 253; no
 * trailing dot; last label not all digits), or such a name after "*." (RFC 9525 §6.3). Expects
 * lower case. */
bool dns_name_is_valid(const char *name);

/* The name after "*.", or the name itself. Points into @name. */
const char *dns_name_base(const char *name);

/* Whether the name is in the domain: "www.example.org" is below "example.org" and "org", but not
 * below itself. */
bool dns_name_is_below(const char *name, const char *domain);

/* Converts ASCII upper case to lower case, in place. */
void dns_name_fold(char *name);

/* Whether the name matches the pattern, as fnmatch(3) without escapes; * matches dots, too. Only a
 * * of the pattern matches a * of the name. Both in lower case. */
bool dns_name_matches(const char *name, const char *pattern);
