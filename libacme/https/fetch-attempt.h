/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A request that has ended, and what libcurl knows about it. */

#include <curl/curl.h>

typedef struct FetchAttempt {
    CURL *easy; /* the request has ended */
    CURLcode code;
    const char *text;            /* libcurl's, for .code */
    const char *ca_file, *proxy; /* see FetchRoute */
} FetchAttempt;

/* Returns a header of the last answer; NULL if it is absent. Borrowed from the request, as the next
 * one. */
const char *fetch_header(CURL *easy, const char *name);

/* Returns the URL after redirects; "?" if it is unknown. */
const char *fetch_effective_url(CURL *easy);

/* Returns a number that libcurl knows; 0 if it does not. */
long fetch_info(CURL *easy, CURLINFO name);
