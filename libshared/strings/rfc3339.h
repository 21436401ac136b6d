/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Times in ACME objects (RFC 8555 §7.1.3) and in the journal (RFC 3339). */

#include <time.h>

/* Parses "2026-12-01T04:00:00Z", "2026-12-01T05:00:00.123+01:00". Returns seconds since 1970; 0 for
 * NULL and other texts. */
time_t rfc3339_parse(const char *text);

#define RFC3339_SIZE 32

/* Formats "2026-12-01T04:00:00Z". Returns @buf; NULL if the year is out of range. */
const char *rfc3339_format(time_t time, char buf[RFC3339_SIZE]);
