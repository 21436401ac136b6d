/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/path.h"

#include <limits.h>

#include "test.h"

static void test_usable(void)
{
    static const char *const usable[] = {
        "/",        "/srv",     "//srv/./x/", "/srv/..x/y..",
        "/srv/a b", "/srv/\\x", "/srv/50%",   "/srv/\xc3\xbc",
    };
    static const char *const refused[] = {
        "",          "srv",         "/..",       "/srv/../x", "/srv/..", "/srv/.././x",
        "/srv/\n/x", "/srv/x\ry=z", "/srv/\x7f", "/srv/x\\",
    };
    char path[PATH_MAX + 1];

    for (size_t i = 0; i < ELEMENTSOF(usable); i++)
        ASSERT_TRUE(path_is_usable(usable[i]));
    for (size_t i = 0; i < ELEMENTSOF(refused); i++)
        ASSERT_FALSE(path_is_usable(refused[i]));
    memset(path, '/', sizeof(path));
    path[PATH_MAX] = '\0';
    ASSERT_FALSE(path_is_usable(path));
    path[PATH_MAX - 1] = '\0';
    ASSERT_TRUE(path_is_usable(path));
}

static void test_below(void)
{
    static const struct {
        const char *path, *directory;
        bool below;
    } table[] = {
        { "/var/lib/acmems", "/var/lib/acmems", true },
        { "/var/lib/acmems/", "/var/lib/acmems", true },
        { "/var//lib/./acmems/x", "/var/lib/acmems", true },
        { "/var/lib/acmems/x", "/var/lib/acmems/", true },
        { "/var/lib/acmems2", "/var/lib/acmems", false },
        { "/var/lib", "/var/lib/acmems", false },
        { "/var/lib/.acmems", "/var/lib/acmems", false },
        { "/x", "/", true },
        { "/", "/x", false },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        ASSERT_EQ(path_is_below(table[i].path, table[i].directory), table[i].below);
}

int main(void)
{
    test_usable();
    test_below();
    return 0;
}
