/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/reply.h"

const char *session_url(const json_t *object, const char *key)
{
    const char *url = json_string_value(json_object_get(object, key));

    return url && strncmp(url, "https://", 8) == 0 ? url : NULL;
}

static bool reply_is_json(const FetchResult *result)
{
    return strcaseeq(result->content_type, "application/json") ||
           strcaseeq(result->content_type, "application/problem+json");
}

SessionReply session_reply_read(const FetchResult *result, json_t **ret_json)
{
    SessionReply reply = {
        .error = result->error,
        .error_text = result->error_text,
        .status = result->status,
        .body = result->body,
        .size = result->size,
        .content_type = result->content_type,
        .location = result->location,
        .alternates = result->alternates,
        .retry_after = result->retry_after,
    };

    if (result->error == 0 && reply_is_json(result)) {
        json_t *json = json_loadb(result->body, result->size, 0, NULL);

        if (json_is_object(json))
            reply.json = json;
        if (reply.json && result->status >= 400 &&
            strcaseeq(result->content_type, "application/problem+json"))
            reply.problem = json;
        *ret_json = json;
    }
    return reply;
}
