/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/https/url.h"

#include "test.h"

static void test_resolve(void)
{
    static const struct {
        const char *reference, *expected;
    } cases[] = {
        { "https://other.example/order/1", "https://other.example/order/1" },
        { "https://other.example/a/../b?c=%zz", "https://other.example/a/../b?c=%zz" },
        { "/order/1", "https://ca.example:14000/order/1" },
        { "1?x=y", "https://ca.example:14000/acme/1?x=y" },
        { "../2", "https://ca.example:14000/2" },
        { "//other.example/3", "https://other.example/3" },
        { "http://ca.example/order/1", NULL },
        { "file:///etc/passwd", NULL },
        { "https:", NULL },
        { "https://ca.example/\u00fc", "https://ca.example/\u00fc" },
        { "https://ca.example/\xfc", NULL },
        { "//%fc.example/", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_free_ char *url =
            url_resolve("https://ca.example:14000/acme/new-order", cases[i].reference);

        ASSERT_EQ(!url, !cases[i].expected);
        if (url)
            ASSERT_STREQ(url, cases[i].expected);
    }
}

static void test_same_origin(void)
{
    static const struct {
        const char *a, *b;
        bool is_same;
    } cases[] = {
        { "https://ca.example/dir", "https://CA.example:443/account/1", true },
        { "https://ca.example:14000/dir", "https://ca.example:14000", true },
        { "https://ca.example:14000/dir", "https://ca.example/dir", false },
        { "https://ca.example/dir", "http://ca.example:443/dir", false },
        { "https://ca.example/dir", "https://staging.ca.example/dir", false },
        { "https://ca.example/dir", "account/1", false },
        { "", "", false },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        ASSERT_EQ(url_same_origin(cases[i].a, cases[i].b), cases[i].is_same);
}

int main(void)
{
    test_resolve();
    test_same_origin();
    return EXIT_SUCCESS;
}
