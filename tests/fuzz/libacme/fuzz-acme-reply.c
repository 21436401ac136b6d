/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a CA sends: a line that is a header, then the body. */

#include <limits.h>
#include <stdint.h>

#include "libacme/https/link.h"
#include "libacme/rate-limit.h"
#include "libacme/renewal-info.h"
#include "libacme/transport/problem.h"
#include "libacme/transport/reply.h"
#include "strings/rfc3339.h"
#include "strings/strv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_header(const char *header)
{
    const LinkWish wish = { "alternate", "https://ca.example/cert/1", FETCH_ALTERNATES_MAX };
    _cleanup_strv_ char **urls = NULL;

    if (link_add_targets(header, &wish, &urls) >= 0 && strv_length(urls) > FETCH_ALTERNATES_MAX)
        abort();
}

static void read_problem(const json_t *problem)
{
    static char name[] = "www.example.org";
    char *names[] = { name, NULL };
    _cleanup_free_ char *said = problem_describe(problem);
    _cleanup_strv_ char **limited = NULL;

    if (!said)
        abort();
    /* It becomes one line of the journal. */
    for (const char *c = said; *c; c++)
        if ((unsigned char)*c < ' ')
            abort();
    (void)rate_limit_scope(said, names, &limited);
    STRV_FOREACH (limit, limited)
        if (!strstr(name, *limit))
            abort();
    (void)rate_limit_left(said, time(NULL));
    if (problem_is_known("") || (problem_detail(problem) && !*problem_detail(problem)))
        abort();
    (void)problem_type_is_acme(problem_type(problem));
    (void)problem_is_known(problem_type(problem));
    (void)problem_find(problem_type(problem));
}

static void read_body(const char *body, size_t size, long status, const char *type)
{
    const FetchResult result = {
        .status = status, .body = body, .size = size, .content_type = type
    };
    json_auto_t *json = NULL;
    SessionReply reply = session_reply_read(&result, &json);
    static const unsigned delays[] = { 0, 1, 3600, UINT_MAX };
    time_t now = time(NULL), next;
    RenewalInfo info;

    if (reply.problem)
        read_problem(reply.problem);
    if (reply.json)
        (void)session_url(reply.json, "finalize");
    if (renewal_info_read(&reply, &info) && info.start > info.end)
        abort();
    (void)renewal_info_is_offered(reply.json);
    for (size_t i = 0; i < ELEMENTSOF(delays); i++) {
        reply.retry_after = delays[i];
        next = renewal_info_next(&reply, now);
        if (next < now + (time_t)RENEWAL_INFO_MIN || next > now + (time_t)RENEWAL_INFO_MAX)
            abort();
    }
}

static void check_time(const char *text)
{
    time_t when = rfc3339_parse(text);
    char again[RFC3339_SIZE];

    if (when > 0 && rfc3339_parse(rfc3339_format(when, again)) != when)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    size_t line;

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    line = strcspn(text, "\n");
    if (text[line] == '\n') {
        text[line] = '\0';
        read_header(text);
        check_time(text);
        read_body(text + line + 1, size - line - 1, 200, "application/json");
        read_body(text + line + 1, size - line - 1, 400, "application/problem+json");
    }
    free(text);
    return 0;
}
