/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Requests that fail at the proxy, on the way to the server. */

#include <stdbool.h>

#include "libacme/https/fetch-attempt.h"

/* Whether this one did. @ret: then a new string that names where the proxy is set; NULL: out of
 * memory. */
bool fetch_proxy_explain(const FetchAttempt *attempt, char **ret);
