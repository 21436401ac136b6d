/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/problem.h"

#include "libacme/failure.h"
#include "test.h"

/* Every type of RFC 8555 §6.7 and draft-aaron-acme-profiles, with the HTTP status for the client.
 */
static void test_table(void)
{
    static const struct {
        const char *type;
        int status;
    } expected[] = {
        { "accountDoesNotExist", 500 },
        { "alreadyRevoked", 500 },
        { "badCSR", 415 },
        { "badNonce", 503 },
        { "badPublicKey", 500 },
        { "badRevocationReason", 500 },
        { "badSignatureAlgorithm", 500 },
        { "caa", 421 },
        { "compound", 421 },
        { "connection", 421 },
        { "dns", 421 },
        { "externalAccountRequired", 500 },
        { "incorrectResponse", 421 },
        { "invalidContact", 500 },
        { "invalidProfile", 500 },
        { "malformed", 500 },
        { "orderNotReady", 503 },
        { "rateLimited", 429 },
        { "rejectedIdentifier", 403 },
        { "serverInternal", 503 },
        { "tls", 421 },
        { "unauthorized", 500 },
        { "unsupportedContact", 500 },
        { "unsupportedIdentifier", 403 },
        { "userActionRequired", 500 },
    };

    ASSERT_EQ(ELEMENTSOF(expected), 25);
    for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
        char urn[128];

        (void)snprintf(urn, sizeof(urn), PROBLEM_URN "%s", expected[i].type);
        ASSERT_STREQ(problem_find(urn)->type, expected[i].type);
        ASSERT_EQ(problem_find(expected[i].type)->status, expected[i].status);
        /* A retry comes with a time. */
        ASSERT_EQ(problem_find(urn)->retry_after > 0,
                  expected[i].status == 503 || expected[i].status == 429);
    }
    ASSERT_EQ(problem_find("urn:something:else")->status, 503);
    ASSERT_EQ(problem_find("")->status, 503);
}

static void test_description_without_nonce(void)
{
    json_auto_t *problem =
        json_pack("{ssss}", "type", PROBLEM_URN "badNonce", "detail",
                  "JWS has an invalid anti-replay nonce: oFvnlFP1wIhRlYS2jTaXbA");
    _cleanup_free_ char *text = problem_describe(problem);

    ASSERT_STREQ(text, "badNonce: no details given");
}

static void test_description(void)
{
    json_auto_t *problem =
        json_pack("{sssss[{sssss{ssss}}]}", "type", PROBLEM_URN "rejectedIdentifier", "detail",
                  "not for us", "subproblems", "type", PROBLEM_URN "caa", "detail", "forbidden",
                  "identifier", "type", "dns", "value", "www.example.org");
    _cleanup_free_ char *text = problem_describe(problem);

    ASSERT_STREQ(text, "rejectedIdentifier: not for us; www.example.org: caa: forbidden");
}

/* As of a refusal without a problem document. */
static void test_empty_description(void)
{
    json_auto_t *problem = json_object();
    _cleanup_free_ char *text = problem_describe(problem);

    ASSERT_STREQ(text, "no details given");
}

static void test_long_description(void)
{
    _cleanup_free_ char *detail = calloc(1, 5001), *text = NULL;
    json_auto_t *problem = NULL;

    for (size_t i = 0; i < 5000; i += 2)
        memcpy(detail + i, "\xc3\xa4", 2);
    problem = json_pack("{ssss}", "type", PROBLEM_URN "dns", "detail", detail);
    text = problem_describe(problem);
    ASSERT_TRUE(strlen(text) <= 1000);
    /* The text is still valid UTF-8: jansson accepts nothing else. */
    json_auto_t *string = json_string(text);
    ASSERT_TRUE(string);
}

static void test_failure(void)
{
    json_auto_t *limited = json_pack("{ssss}", "type", PROBLEM_URN "rateLimited", "detail", "slow");
    json_auto_t *csr = json_pack("{ssss}", "type", PROBLEM_URN "badCSR", "detail", "weak");
    json_auto_t *dated = json_pack("{ssss}", "type", PROBLEM_URN "rateLimited", "detail",
                                   "too many, retry after 2999-12-01 04:00:00 UTC");
    Failure failure = { 0 };

    failure_set_problem(&failure, limited, 7);
    ASSERT_EQ(failure.status, 429);
    ASSERT_EQ(failure.retry_after, 7);
    ASSERT_TRUE(strstr(failure.reason, "rateLimited: slow"));
    ASSERT_EQ(failure.event, LOG_EVENT_ORDER_FAILED_AT_CA);
    ASSERT_STREQ(failure.problem, "rateLimited");
    failure_set_problem(&failure, limited, 0);
    ASSERT_EQ(failure.retry_after, 3600);
    ASSERT_EQ(failure.pause, 0);
    /* A time in the text counts like one in the header. */
    failure_set_problem(&failure, dated, 0);
    ASSERT_EQ(failure.pause, 7 * 86400);
    ASSERT_EQ(failure.retry_after, failure.pause);
    failure_set_problem(&failure, dated, 7);
    ASSERT_EQ(failure.pause, 7);
    /* The client gets the CA's time, if there is one. */
    failure_set_problem(&failure, csr, 7);
    ASSERT_EQ(failure.status, 415);
    ASSERT_EQ(failure.retry_after, 7);
    failure_set_problem(&failure, csr, 0);
    ASSERT_EQ(failure.retry_after, 0);
    failure_set_type(&failure, "");
    ASSERT_TRUE(!failure.problem);
    failure_set(&failure, LOG_EVENT_ORDER_FAILED_AT_CA, 421, 0, "%s: %s", "a\nb\x1b[1m", "c\x7f");
    ASSERT_STREQ(failure.reason, "a b [1m: c ");
    failure_done(&failure);
}

int main(void)
{
    test_table();
    test_description();
    test_description_without_nonce();
    test_empty_description();
    test_long_description();
    test_failure();
    return 0;
}
