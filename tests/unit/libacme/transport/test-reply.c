/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/reply.h"

#include "libacme/failure.h"
#include "libacme/transport/problem.h"
#include "test.h"

#define LIMITED "{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"slow\"}"

static SessionReply read_reply(const FetchResult *result, json_t **ret_json)
{
    FetchResult sized = *result;

    sized.size = strlen(sized.body);
    return session_reply_read(&sized, ret_json);
}

/* Whether there is an object, and which problem it is; NULL: none. */
static void test_body_decides(void)
{
    static const struct {
        long status;
        const char *content_type, *body;
        bool is_object;
        const char *problem;
    } cases[] = {
        { 200, "application/json", "{\"status\":\"valid\"}", true, NULL },
        { 201, "text/plain", "{\"status\":\"valid\"}", true, NULL },
        { 200, "", "\xef\xbb\xbf {\"status\":\"valid\"}", true, NULL },
        { 429, "application/problem+json", LIMITED, true, "rateLimited" },
        { 429, "application/json", LIMITED, true, "rateLimited" },
        { 429, "application/problem json", LIMITED, true, "rateLimited" },
        { 429, "text/plain", LIMITED, true, "rateLimited" },
        { 400, "text/plain", "{\"type\":\"urn:acme:error:badCSR\"}", true, "badCSR" },
        { 400, "application/problem+json", "{\"detail\":\"x\"}", true, "" },
        { 404, "application/json", "{\"message\":\"no such page\"}", true, NULL },
        { 200, "application/problem+json", LIMITED, true, NULL },
        { 200, "application/json", "[]", false, NULL },
        { 200, "application/json", "{", false, NULL },
        { 502, "text/html", "<html>", false, NULL },
        { 200, "application/json", "", false, NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        json_auto_t *json = NULL;
        SessionReply reply = read_reply(&(FetchResult){ .status = cases[i].status,
                                                        .content_type = cases[i].content_type,
                                                        .body = cases[i].body },
                                        &json);

        ASSERT_EQ(!reply.json, !cases[i].is_object);
        ASSERT_EQ(!reply.problem, !cases[i].problem);
        if (cases[i].problem)
            ASSERT_STREQ(problem_type(reply.problem), cases[i].problem);
        ASSERT_EQ(session_reply_is_good(&reply), cases[i].status < 300);
    }
}

/* What the client is told of an answer that is an error. */
static void test_failure(void)
{
    static const struct {
        long status;
        const char *content_type, *body;
        int expected;
        const char *text;
    } cases[] = {
        { 429, "text/plain", LIMITED, 429, "rateLimited: slow" },
        { 429, "application/problem+json", "{\"type\":\"about:blank\",\"title\":\"Too many\"}", 429,
          "The CA limits the rate of requests. Try again later. The CA said: Too many" },
        { 404, "application/json", "{\"message\":\"no such page\"}", 503,
          "(HTTP status 404). Try again later. The CA said: no such page" },
        { 502, "text/html", "<html>", 503, "(HTTP status 502, text/html)" },
        { 403, "application/problem+json", "{\"type\":\"urn:x:y\",\"detail\":\"z\"}", 503,
          "urn:x:y: z" },
        { 500, "", "", 503, "for a new order (HTTP status 500). Try" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        json_auto_t *json = NULL;
        SessionReply reply = read_reply(&(FetchResult){ .status = cases[i].status,
                                                        .content_type = cases[i].content_type,
                                                        .body = cases[i].body,
                                                        .retry_after = 7 },
                                        &json);
        Failure failure = { 0 };

        failure_set_reply(&failure, &reply, "for a new order");
        ASSERT_EQ(failure.status, cases[i].expected);
        ASSERT_EQ(failure.retry_after, 7);
        if (!strstr(failure.reason, cases[i].text))
            fprintf(stderr, "%s\n", failure.reason);
        ASSERT_TRUE(strstr(failure.reason, cases[i].text));
        failure_done(&failure);
    }
}

int main(void)
{
    test_body_decides();
    test_failure();
    return EXIT_SUCCESS;
}
