/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/https/url.h"

#include <curl/curl.h>
#include <strings.h>

#include "base/macro.h"
#include "strings/text.h"

char *url_resolve(const char *base, const char *reference)
{
    char *text = NULL, *copy = NULL;
    CURLU *url;

    if (strncmp(reference, "https://", STRLEN("https://")) == 0)
        /* exactly as the CA wrote it */
        return text_is_utf8(reference) ? strdup(reference) : NULL;
    url = curl_url();
    if (url && curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_URL, reference, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK &&
        strncmp(text, "https://", STRLEN("https://")) == 0 &&
        text_is_utf8(text)) /* curl decodes %fc in the host */
        copy = strdup(text);
    curl_free(text);
    curl_url_cleanup(url);
    return copy;
}

/* New string for curl_free(); NULL: @url is no URL. */
static char *get_part(const char *url, CURLUPart part)
{
    CURLU *handle = curl_url();
    char *text = NULL;

    if (!handle || curl_url_set(handle, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(handle, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
        text = NULL;
    curl_url_cleanup(handle);
    return text;
}

bool url_same_origin(const char *a, const char *b)
{
    static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT };
    bool is_same = true;

    for (size_t i = 0; i < ELEMENTSOF(parts) && is_same; i++) {
        char *part_a = get_part(a, parts[i]), *part_b = get_part(b, parts[i]);

        is_same = part_a && part_b && strcasecmp(part_a, part_b) == 0;
        curl_free(part_a);
        curl_free(part_b);
    }
    return is_same;
}
