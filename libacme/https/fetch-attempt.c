/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/https/fetch-attempt.h"

#include "base/macro.h"

const char *fetch_header(CURL *easy, const char *name)
{
    struct curl_header *header;

    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

const char *fetch_effective_url(CURL *easy)
{
    const char *url = NULL;

    return curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK ? str_or(url, "?")
                                                                             : "?";
}

long fetch_info(CURL *easy, CURLINFO name)
{
    long value = 0;

    return curl_easy_getinfo(easy, name, &value) == CURLE_OK ? value : 0;
}
