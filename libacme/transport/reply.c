/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/reply.h"

#include <stdio.h>

#include "libacme/transport/problem.h"
#include "strings/text.h"

#define DESCRIPTION_MAX 500 /* bytes of what a CA says */

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

/* The member or header of an answer of success without which it cannot be used. */
static const char *lacking(const SessionReply *reply)
{
    bool has_status = json_object_get(reply->json, "status");

    if (!session_reply_is_good(reply))
        return NULL;
    if (!reply->location && (has_status || reply->status == STATUS_CREATED))
        return "without an https URL in Location";
    return reply->json && !has_status ? "JSON without a status" : NULL;
}

char *session_reply_describe(const SessionReply *reply)
{
    const char *lack = lacking(reply), *type = reply->json ? "" : reply->content_type;
    const char *what = reply->redirect ? reply->redirect : lack ? lack : type;
    char *text;
    int n = asprintf(&text, "HTTP status %ld%s%s%.*s", reply->status, *what ? ", " : "",
                     reply->redirect ? "a redirect to " : "", DESCRIPTION_MAX, what);

    return n < 0 ? NULL : text;
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
        .redirect = result->redirect,
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
