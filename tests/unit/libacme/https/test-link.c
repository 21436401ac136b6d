/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/https/link.h"

#include "strings/strv.h"
#include "test.h"

static void test_targets(void)
{
    static const struct {
        const char *header, *expected;
    } cases[] = {
        { "<https://ca.example/1>;rel=\"alternate\"", "https://ca.example/1" },
        { "<https://ca.example/1>; rel=alternate", "https://ca.example/1" },
        { " <https://ca.example/1> ; REL = \"up Alternate\" ; title=\"a, b; c\"",
          "https://ca.example/1" },
        { "<https://ca.example/dir>;rel=\"index\", <https://ca.example/1,2>;rel=\"alternate\","
          "<https://ca.example/3>;title=x;rel=alternate",
          "https://ca.example/1,2 https://ca.example/3" },
        { "<https://ca.example/dir>;rel=\"index\"", "" },
        { "<https://ca.example/1>;rel=\"alternates\"", "" },
        { "<https://ca.example/1>", "" },
        { "<http://ca.example/1>;rel=\"alternate\"", "" },
        { "</1>;rel=\"alternate\", <1/2>;rel=alternate",
          "https://ca.example/1 https://ca.example/cert/1/2" },
        { "<https://ca.example/1;rel=\"alternate\"", "" },
        { "https://ca.example/1;rel=\"alternate\"", "" },
        { "<https://ca.example/1>;rel=\"alternate", "https://ca.example/1" },
        { "<https://ca.example/1>;rel", "" },
        { "<https://ca.example/1>;crossorigin;rel=alternate", "https://ca.example/1" },
        { "<https://ca.example/1>;", "" },
        { "", "" },
    };

    const LinkWish wish = { "alternate", "https://ca.example/cert/1", 10 };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_strv_ char **urls = NULL;
        _cleanup_free_ char *joined = NULL;

        ASSERT_OK(link_add_targets(cases[i].header, &wish, &urls));
        joined = strv_join(urls, " ");
        ASSERT_STREQ(joined, cases[i].expected);
    }
}

static void test_number(void)
{
    const LinkWish wish = { "alternate", "https://ca.example/cert/1", 3 };
    _cleanup_strv_ char **urls = NULL;

    for (size_t i = 0; i < 5; i++)
        ASSERT_OK(link_add_targets("<https://ca.example/1>;rel=alternate,"
                                   "<https://ca.example/2>;rel=alternate",
                                   &wish, &urls));
    ASSERT_EQ(strv_length(urls), 3);
}

int main(void)
{
    test_targets();
    test_number();
    return 0;
}
