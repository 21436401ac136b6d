/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

/* URLs in an answer of the CA. */

/* Resolves a reference ("/order/1", "https://ca.example/order/1") against the URL of the request
 * that it answers (RFC 3986 §5.2). Returns a new string; NULL: the result is no https URL, or
 * not UTF-8, so that JSON cannot hold it, or out of memory. */
char *url_resolve(const char *base, const char *reference);

/* Whether both URLs name the same scheme, host and port (RFC 6454 §5). False if one is no URL. */
bool url_same_origin(const char *a, const char *b);
