/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/http-request.h"
#include "test.h"

static HttpRequest request;
static char text[1024];

/* Reads a request line with this target. */
static int read_target(const char *method, const char *target)
{
    int n = snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\n", method, target);

    http_request_init(&request);
    return http_request_read_line(&request, text, (size_t)n);
}

/* RFC 9112 §3.2 */
static void test_targets(void)
{
    static const struct {
        const char *method, *target, *path, *authority;
    } targets[] = {
        { "GET", "/", "/", NULL },
        { "POST", "/sign?a=/b?c", "/sign", NULL },
        { "GET", "//x", "//x", NULL },
        { "GET", "/a%20b", "/a%20b", NULL },
        { "GET", "http://example.org/a/b?c", "/a/b", "example.org" },
        { "GET", "HTTPS://[2001:db8::1]:1313/", "/", "[2001:db8::1]:1313" },
        { "GET", "http://example.org", "/", "example.org" },
        { "GET", "http://example.org?a/b", "/", "example.org" },
        { "GET", "http://example.org:80//", "//", "example.org:80" },
        { "OPTIONS", "*", "*", NULL },
        { "CONNECT", "example.org:443", "example.org:443", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
        ASSERT_OK(read_target(targets[i].method, targets[i].target));
        ASSERT_STREQ(request.method, targets[i].method);
        ASSERT_STREQ(request.path, targets[i].path);
        if (targets[i].authority)
            ASSERT_STREQ(request.authority, targets[i].authority);
        else
            ASSERT_TRUE(!request.authority);
    }
}

static void test_bad_targets(void)
{
    static const char *const targets[] = {
        "",
        "sign",
        "?",
        "/a#b",
        "/\xc3\xa4",
        "/\x7f",
        "http:",
        "http://",
        "http:///",
        "http:/x/",
        "http://?a",
        "://x/",
        "1http://x/",
        "http://user@x/",
        "http://a\"b/",
        "http://x y/",
        "http://x\\y/",
        "**",
    };

    for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
        ASSERT_EQ(read_target("GET", targets[i]), 400);
        ASSERT_TRUE(request.reason);
        ASSERT_STREQ(request.path, "");
    }
    ASSERT_EQ(read_target("CONNECT", "/"), 400);
    ASSERT_EQ(read_target("CONNECT", "user@x:443"), 400);
}

/* Returns the status of a request with these fields. */
static int read_fields(const char *fields)
{
    int n;

    ASSERT_OK(read_target("POST", "/"));
    n = snprintf(text, sizeof(text), "%s\r\n", fields);
    return http_request_read_fields(&request, text, (size_t)n);
}

static void test_fields(void)
{
    ASSERT_OK(read_fields("Host: x\r\nEmpty:\r\nEmptier: \t \r\nTrailing: a b \t\r\n"));
    ASSERT_STREQ(http_request_field(&request, "EMPTY"), "");
    ASSERT_STREQ(http_request_field(&request, "Emptier"), "");
    ASSERT_STREQ(http_request_field(&request, "trailing"), "a b");
    ASSERT_TRUE(!http_request_field(&request, "Trail"));
    ASSERT_TRUE(request.fields.keep_alive);
    ASSERT_TRUE(!request.has_length);
    ASSERT_OK(read_fields("Host: x\r\nConnection: upgrade, CLOSE\r\nUpgrade: h2c\r\n"
                          "Content-Length: 9223372036854775807\r\n"));
    ASSERT_TRUE(!request.fields.keep_alive);
    ASSERT_EQ(request.length, INT64_MAX);
    ASSERT_EQ(read_fields("Host: x\r\nContent-Length: 9223372036854775808\r\n"), 400);
    ASSERT_EQ(read_fields("Host: x\r\nContent-Length: 18446744073709551616\r\n"), 400);
}

/* A request that two programs could read differently has its own sentence in either order. */
static void test_two_framings(void)
{
    ASSERT_EQ(read_fields("Host: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400);
    ASSERT_TRUE(strstr(request.reason, "Transfer-Encoding"));
    ASSERT_EQ(read_fields("Transfer-Encoding: chunked\r\nContent-Length: 1\r\nHost: x\r\n"), 400);
    ASSERT_TRUE(strstr(request.reason, "Transfer-Encoding"));
    ASSERT_EQ(read_fields("Content-Length: 1\r\nContent-Length: 1\r\nHost: x\r\n"), 400);
    ASSERT_TRUE(strstr(request.reason, "more than one Content-Length"));
    ASSERT_EQ(read_fields("Transfer-Encoding: gzip\r\nHost: x\r\n"), 501);
    ASSERT_EQ(read_fields("Transfer-Encoding: gzip, chunked\r\nHost: x\r\n"), 501);
    ASSERT_EQ(
        read_fields("Transfer-Encoding: chunked\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"),
        501);
}

/* RFC 9110 §5.6.1.2: empty members of a list are ignored. */
static void test_transfer_codings(void)
{
    static const struct {
        const char *fields;
        int status;
    } cases[] = {
        { "Transfer-Encoding: CHUNKED\r\n", 0 },
        { "Transfer-Encoding: , chunked\r\n", 0 },
        { "Transfer-Encoding: chunked ,\r\n", 0 },
        { "Transfer-Encoding: ,\t,Chunked, ,\r\n", 0 },
        { "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", 0 },
        { "Transfer-Encoding: ,\r\nTransfer-Encoding: chunked\r\n", 0 },
        { "Transfer-Encoding:\r\n", 501 },
        { "Transfer-Encoding: ,\r\n", 501 },
        { "Transfer-Encoding: chunked, chunked\r\n", 501 },
        { "Transfer-Encoding: gzip, , chunked\r\n", 501 },
        { "Transfer-Encoding: chunked, identity\r\n", 501 },
        { "Transfer-Encoding: chunked; a=b\r\n", 501 },
        { "Transfer-Encoding: \"chunked\"\r\n", 501 },
        { "Transfer-Encoding: , chunked\r\nContent-Length: 1\r\n", 400 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char fields[256];
        int status;

        (void)snprintf(fields, sizeof(fields), "Host: x\r\n%s", cases[i].fields);
        status = read_fields(fields);
        if (status != cases[i].status)
            fprintf(stderr, "%d: %s", status, fields);
        ASSERT_EQ(status, cases[i].status);
        ASSERT_EQ(request.is_chunked, status == 0);
        ASSERT_TRUE(request.fields.keep_alive || status == 400);
    }
}

static void test_expectations(void)
{
    static const struct {
        const char *fields;
        int status;
    } cases[] = {
        { "Expect: 100-continue\r\n", 0 },
        { "Expect: 100-Continue\r\nExpect: 100-continue\r\n", 0 },
        { "Expect: , 100-continue\t,,100-continue\r\n", 0 },
        { "Expect:\r\n", 0 },
        { "Expect: ,\r\nExpect: \r\n", 0 },
        { "Expect: 100-continue, 200-ok\r\n", 417 },
        { "Expect: 100-continue\r\nExpect: 200-ok\r\n", 417 },
        { "Expect: 100-continued\r\n", 417 },
        { "Expect: 100\r\n", 417 },
        { "Expect: 100-continue; now\r\n", 417 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char fields[128];

        (void)snprintf(fields, sizeof(fields), "Host: x\r\n%s", cases[i].fields);
        ASSERT_EQ(read_fields(fields), cases[i].status);
    }
}

int main(void)
{
    test_targets();
    test_bad_targets();
    test_fields();
    test_two_framings();
    test_transfer_codings();
    test_expectations();
    return EXIT_SUCCESS;
}
