/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/reply.h"

#include "libacme/transport/problem.h"
#include "strings/text.h"

const char *session_url(const json_t *object, const char *key)
{
    const char *url = json_string_value(json_object_get(object, key));

    return url && strncmp(url, "https://", 8) == 0 ? url : NULL;
}

/* Some CAs send errors as application/json, or without a media type. So the content decides. */
static bool is_problem(const FetchResult *result, const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));

    return result->status >= 400 && (strcaseeq(result->content_type, "application/problem+json") ||
                                     (type && problem_type_is_acme(type)));
}

bool session_reply_is_good(const SessionReply *reply)
{
    return reply->error == 0 && reply->status >= 200 && reply->status <= 299;
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
    size_t mark;

    mark = text_mark_size(reply.body, reply.size);
    reply.body += mark;
    reply.size -= mark;
    if (result->error == 0 && reply.body[strspn(reply.body, " \t\r\n")] == '{') {
        json_t *json = json_loadb(reply.body, reply.size, 0, NULL);

        if (json_is_object(json))
            reply.json = json;
        if (reply.json && is_problem(result, json))
            reply.problem = json;
        *ret_json = json;
    }
    return reply;
}
