/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/source.h"

#include "test.h"

static SocketAddress address(const char *text)
{
    SocketAddress a = { .storage = { .ss_family = AF_UNSPEC } };

    (void)socket_address_parse(text, &a);
    a.in.sin_port = 4711; /* at the same place in both */
    return a;
}

static Source source(const char *text)
{
    SocketAddress a = address(text);

    return source_of(&a);
}

static void test_equal(void)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "192.0.2.2", false },
        { "192.0.2.1", "::ffff:192.0.2.1", true },
        { "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
        { "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true },
        { "2001:db8::1", "2001:db8:0:1::1", false },
        { "::1", "192.0.2.1", false },
        { "c000:201::", "192.0.2.1", false }, /* the same first bytes */
        { "::", "unix", false },
        /* link-local: a host can have any number of addresses */
        { "fe80::1", "fe80::2", true },
        { "fe80::1", "fe80:0:0:1::1", false },
        /* behind a translator */
        { "64:ff9b::192.0.2.1", "192.0.2.1", true },
        { "64:ff9b::192.0.2.1", "64:ff9b::192.0.2.2", false },
        { "64:ff9b::1:0:192.0.2.1", "192.0.2.1", false },
        { "64:ff9b:1::192.0.2.1", "64:ff9b:1::192.0.2.2", true },
        { "64:ff9a::192.0.2.1", "192.0.2.1", false },
        { "::192.0.2.1", "192.0.2.1", false },
        { "0.0.0.0", "unix", false },
        { "unix", "unix", true },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        Source a = source(cases[i].a), b = source(cases[i].b);

        ASSERT_EQ(source_equal(&a, &b), cases[i].equal);
    }
}

static void test_no_port(void)
{
    SocketAddress a = address("192.0.2.1"), b = a;
    Source one = source_of(&a), other;

    b.in.sin_port = 1;
    other = source_of(&b);
    ASSERT_TRUE(source_equal(&one, &other));
}

static void test_format(void)
{
    static const char *const cases[][2] = {
        { "192.0.2.1", "192.0.2.1" },
        { "::ffff:192.0.2.1", "192.0.2.1" },
        { "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
        { "fe80::1:2:3:4", "fe80::/64" },
        { "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "febf:ffff:ffff:ffff::/64" },
        { "64:ff9b::192.0.2.1", "192.0.2.1" },
        { "unix", "unix sockets" },
    };
    char text[SOURCE_TEXT_SIZE];

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        Source a = source(cases[i][0]);

        ASSERT_STREQ(source_format(&a, text), cases[i][1]);
    }
}

static void test_text(void)
{
    static const struct {
        const char *client, *source;
    } cases[] = {
        { "192.0.2.7", "192.0.2.7" },
        { "2001:db8::7", "2001:db8::/64" },
        { "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
        { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64" },
        { "::ffff:192.0.2.7", "192.0.2.7" },
        { "fe80::7", "fe80::/64" },
        { "64:ff9b::192.0.2.7", "192.0.2.7" },
        { "unix", NULL },
        { "", NULL },
        { NULL, NULL },
    };
    char buf[SOURCE_TEXT_SIZE];

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        const char *text = source_of_text(cases[i].client, buf);

        ASSERT_EQ(!text, !cases[i].source);
        if (text)
            ASSERT_STREQ(text, cases[i].source);
    }
}

int main(void)
{
    test_equal();
    test_no_port();
    test_format();
    test_text();
    return EXIT_SUCCESS;
}
