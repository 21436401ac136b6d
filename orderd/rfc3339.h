/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Times as ACME objects have them (RFC 8555 §7.1.3, RFC 3339). */

#include <time.h>

/* "2026-12-01T04:00:00Z", "2026-12-01T05:00:00.123+01:00": seconds since 1970; 0 for what is no
 * such time, and for NULL. */
time_t rfc3339_parse(const char *text);
