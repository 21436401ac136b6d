/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Times as ACME objects (RFC 8555 §7.1.3) and the journal have them (RFC 3339). */

#include <time.h>

/* "2026-12-01T04:00:00Z", "2026-12-01T05:00:00.123+01:00": seconds since 1970; 0 for what is no
 * such time, and for NULL. */
time_t rfc3339_parse(const char *text);

#define RFC3339_SIZE 32

/* "2026-12-01T04:00:00Z": @buf; NULL for a year that is out of reach. */
const char *rfc3339_format(time_t time, char buf[RFC3339_SIZE]);
