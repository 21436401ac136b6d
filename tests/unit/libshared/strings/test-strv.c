/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/strv.h"
#include "test.h"

static char **make(const char *const *words)
{
    char **l = NULL;

    for (; *words; words++)
        ASSERT_OK(strv_extend(&l, *words));
    return l;
}

static void test_empty(void)
{
    _cleanup_free_ char *joined = strv_join(NULL, ", ");

    ASSERT_EQ(strv_length(NULL), 0);
    ASSERT_FALSE(strv_contains(NULL, "a"));
    ASSERT_STREQ(joined, "");
    ASSERT_TRUE(strv_equal_sets(NULL, NULL));
    ASSERT_TRUE(!strv_free(NULL));
    strv_sort(NULL);
}

static void test_list(void)
{
    _cleanup_strv_ char **l = make((const char *const[]){ "b", "", "a", NULL });
    _cleanup_strv_ char **same = make((const char *const[]){ "", "a", "b", NULL });
    _cleanup_strv_ char **other = make((const char *const[]){ "", "a", "c", NULL });
    _cleanup_free_ char *joined = strv_join(l, ", ");
    _cleanup_free_ char *bare = strv_join(l, "");

    ASSERT_EQ(strv_length(l), 3);
    ASSERT_TRUE(strv_contains(l, ""));
    ASSERT_FALSE(strv_contains(l, "c"));
    ASSERT_STREQ(joined, "b, , a");
    ASSERT_STREQ(bare, "ba");
    ASSERT_TRUE(strv_equal_sets(l, same));
    ASSERT_FALSE(strv_equal_sets(l, other));
    ASSERT_FALSE(strv_equal_sets(l, NULL));

    strv_sort(l);
    ASSERT_STREQ(l[0], "");
    ASSERT_STREQ(l[1], "a");
    ASSERT_STREQ(l[2], "b");
    ASSERT_TRUE(!l[3]);
}

int main(void)
{
    test_empty();
    test_list();
    return 0;
}
