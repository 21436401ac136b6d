/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/host.h"

#include <errno.h>

#include "test.h"

typedef struct Case {
    const char *text, *host; /* NULL: refused */
} Case;

static void assert_case(const Case *c, int r, const char *host)
{
    if (c->host ? r == 0 && streq(host, c->host) : r == -EINVAL && streq(host, "untouched"))
        return;
    fprintf(stderr, "'%s' is %d '%s'\n", c->text, r, host);
    exit(EXIT_FAILURE);
}

static void test_parse(void)
{
    static const Case cases[] = {
        { "acmems.example.org", "acmems.example.org" },
        { "ACMEMS.Example.ORG.", "acmems.example.org" },
        { "localhost", "localhost" },
        { "my_host-1", "my_host-1" },
        { "192.0.2.1", "192.0.2.1" },
        { "2001:DB8:0::1", "2001:db8::1" },
        { "[2001:db8::1]", "2001:db8::1" },
        { "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
        { "", NULL },
        { ".", NULL },
        { "..", NULL },
        { ".example.org", NULL },
        { "a..b", NULL },
        { "a..", NULL },
        { "acmems:1313", NULL },
        { "[acmems]", NULL },
        { "[]", NULL },
        { "[::1", NULL },
        { "fe80::1%eth0", NULL },
        { "*.example.org", NULL },
        { "a b", NULL },
        { "a/b", NULL },
        { "user@host", NULL },
        { "m\xc3\xbcnchen.example", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char host[HOST_SIZE] = "untouched";

        assert_case(&cases[i], host_parse(cases[i].text, strlen(cases[i].text), host), host);
    }
}

static void test_parse_header(void)
{
    static const Case cases[] = {
        { "acmems", "acmems" },
        { "Acmems.:1313", "acmems" },
        { "acmems:", "acmems" },
        { "192.0.2.1:1313", "192.0.2.1" },
        { "[2001:0DB8::1]", "2001:db8::1" },
        { "[2001:db8::1]:1313", "2001:db8::1" },
        { "", NULL },
        { ":1313", NULL },
        { "acmems:port", NULL },
        { "acmems:1313:1", NULL },
        { "2001:db8::1", NULL },
        { "[::1", NULL },
        { "[::1]x", NULL },
        { "[::1]:x", NULL },
        { "acmems, other", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char host[HOST_SIZE] = "untouched";

        assert_case(&cases[i], host_parse_header(cases[i].text, host), host);
    }
}

static void test_authority(void)
{
    static const char *const valid[] = {
        "acmems",          "ACMEMS.example.org.:1313",
        "acmems:",         "a..b",
        "a!$&'()*+,;=~%b", "192.0.2.1:80",
        "[::1]",           "[2001:DB8::1]:1313",
        "[::1]:",          "[::ffff:192.0.2.1]",
        "[fe80::1%eth0]",  "[fe80::1%25eth0]:80",
    };
    static const char *const invalid[] = {
        "",
        ":80",
        "acmems:port",
        "acmems:1:1",
        "acmems:+1",
        "::1",
        "[::1",
        "[]",
        "[x]",
        "[::1]x",
        "[::1]:x",
        "[::1%]]",
        "[%eth0]",
        "user@acmems",
        "acmems/x",
        "a, b",
        "a b",
        "a\tb",
        "a\\b",
        "a?b",
        "\"a\"",
        "m\xc3\xbc",
        "a#b",
        "[::1% x]",
        "[00000000000000000000000000000000000000000000000::1]",
    };

    for (size_t i = 0; i < ELEMENTSOF(valid); i++)
        ASSERT_TRUE(host_is_authority(valid[i]));
    for (size_t i = 0; i < ELEMENTSOF(invalid); i++)
        ASSERT_FALSE(host_is_authority(invalid[i]));
}

static void test_size(void)
{
    char text[HOST_SIZE + 1], host[HOST_SIZE];

    memset(text, 'a', sizeof(text));
    text[HOST_SIZE - 1] = '\0';
    ASSERT_OK(host_parse_header(text, host));
    ASSERT_STREQ(host, text);
    ASSERT_EQ(host_parse(text, HOST_SIZE, host), -EINVAL); /* with its NUL */
    text[HOST_SIZE - 1] = 'a';
    text[HOST_SIZE] = '\0';
    ASSERT_EQ(host_parse_header(text, host), -EINVAL);
}

int main(void)
{
    test_parse();
    test_parse_header();
    test_authority();
    test_size();
    return 0;
}
