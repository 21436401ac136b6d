/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/url.h"

#include <curl/curl.h>

#include "base/macro.h"

char *url_resolve(const char *base, const char *reference)
{
    char *text = NULL, *copy = NULL;
    CURLU *url;

    if (strncmp(reference, "https://", STRLEN("https://")) == 0)
        return strdup(reference); /* exactly as the CA wrote it */
    url = curl_url();
    if (url && curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_URL, reference, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK &&
        strncmp(text, "https://", STRLEN("https://")) == 0)
        copy = strdup(text);
    curl_free(text);
    curl_url_cleanup(url);
    return copy;
}
