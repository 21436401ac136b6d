/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/renewal-info.h"

#include "libacme/transport/polling.h"
#include "strings/rfc3339.h"

#define RESOURCE "renewalInfo"
#define URL_MAX  1024U

bool renewal_info_is_offered(const json_t *directory)
{
    return session_url(directory, RESOURCE);
}

int renewal_info_request(Session *session, const char *id, session_cb callback, void *userdata,
                         SessionCall **ret)
{
    return session_get(session, RESOURCE, id, callback, userdata, ret);
}

static time_t time_of(const json_t *window, const char *name)
{
    return rfc3339_parse(json_string_value(json_object_get(window, name)));
}

/* People open it: only printable ASCII is accepted. */
static const char *explanation(const json_t *answer)
{
    const char *url = session_url(answer, "explanationURL");

    if (!url || strlen(url) > URL_MAX)
        return NULL;
    for (const char *c = url; *c; c++)
        if (*c <= ' ' || *c > '~')
            return NULL;
    return url;
}

bool renewal_info_read(const SessionReply *reply, RenewalInfo *ret)
{
    const json_t *window = json_object_get(reply->json, "suggestedWindow");
    RenewalInfo info = { 0 };

    if (!session_reply_is_good(reply) || !json_is_object(window))
        return false;
    info.start = time_of(window, "start");
    info.end = time_of(window, "end");
    if (info.start <= 0 || info.start >= info.end)
        return false;
    info.explanation = explanation(reply->json);
    *ret = info;
    return true;
}

time_t renewal_info_next(const SessionReply *reply, time_t now)
{
    unsigned seconds = reply->retry_after > 0 ? reply->retry_after : RENEWAL_INFO_INTERVAL;

    if (seconds < RENEWAL_INFO_MIN)
        seconds = RENEWAL_INFO_MIN;
    /* Leave room for the random spread, so that the CA is still asked twice a day. */
    if (seconds > RENEWAL_INFO_MAX - RENEWAL_INFO_MAX / 5)
        seconds = RENEWAL_INFO_MAX - RENEWAL_INFO_MAX / 5;
    return now + backoff_spread_seconds(seconds);
}
