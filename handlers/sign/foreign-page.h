/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Detects requests that a web page sends through a browser, which may run in a network that an auth
 * block permits. */

#include "config/config.h"
#include "serving/http-exchange.h"

/**
 * foreign_page_detect() - look at the headers of a request
 * @config: for server-name; NULL: no valid one exists
 * @ret_why: on refusal, for the journal: what was found; free(); NULL when out of memory
 *
 * Every browser sends Origin with a POST (Fetch §3.2), whichever page it comes from, and
 * Sec-Fetch-Site or its relatives where the page could use other forms. A name that leads to this
 * server by DNS rebinding is in Host.
 *
 * Returns NULL if the request is acceptable, else the sentence for the client, static.
 */
const char *foreign_page_detect(const HttpExchange *exchange, const Config *config, char **ret_why);
