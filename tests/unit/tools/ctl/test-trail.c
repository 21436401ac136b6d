/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/trail.h"

#include "test-directory.h"
#include "test.h"

#define OTHER ((uid_t)65534)

static void make(const char *directory, const char *name, const char *target, uid_t owner)
{
    _cleanup_free_ char *path = test_path(directory, name);

    ASSERT_OK(target ? symlink(target, path) : mkdir(path, 0755));
    ASSERT_OK(lchown(path, owner, owner));
}

/* @text: "" or a path without the directory. */
static void expect_path(const char *directory, const char *text, const char *expected)
{
    _cleanup_free_ char *path = expected ? test_path(directory, expected) : NULL;

    ASSERT_TRUE(expected ? text && streq(text, path) : !text);
}

static void test_walk(const char *directory)
{
    static const struct {
        const char *name, *path, *top, *link;
        bool exists, is_below;
    } table[] = {
        { "root", "root", NULL, NULL, true, false },
        { "root/missing/x", "root/missing/x", NULL, NULL, false, false },
        { "other", "other", "other", NULL, true, false },
        { "other/", "other/", "other", NULL, true, false },
        { "other//root", "other//root", "other", NULL, true, true },
        { "other/missing", "other/missing", "other", NULL, false, true },
        { "other/link", "other/link", "other", "other/link", true, true },
        { "other/link/below", "other/link/below", "other", "other/link", true, true },
        { "other/nothing", "other/nothing", "other", "other/nothing", false, true },
        /* in a directory where its owner is not alone */
        { "other/roots-link", "other/roots-link", "other", "other/roots-link", true, true },
        { "link-to-root", "link-to-root", "link-to-root", "link-to-root", true, false },
        { "link-to-other/root", "other/root", "other", NULL, true, true },
        { "to-to-other", "root/../other", "root/../other", NULL, true, false },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_free_ char *path = test_path(directory, table[i].name);
        _cleanup_(trail_done) Trail trail = { 0 };

        ASSERT_OK(trail_walk(path, &trail));
        expect_path(directory, trail.path, table[i].path);
        expect_path(directory, trail.top, table[i].top);
        expect_path(directory, trail.link, table[i].link);
        ASSERT_EQ(trail.exists, table[i].exists);
        ASSERT_EQ(trail_is_below_top(&trail), table[i].is_below);
        ASSERT_STREQ(trail.open, "/tmp");
        ASSERT_EQ(geteuid(), 0);
    }
}

static void test_errors(const char *directory)
{
    static const struct {
        const char *name;
        int r;
    } table[] = {
        { "loop", -ELOOP },
        { "file/x", -ENOTDIR },
        { "closed/other/x", -EACCES }, /* the owner of "other" cannot go there */
        { "other/to-closed/x", -EACCES },
    };
    Trail trail;

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_free_ char *path = test_path(directory, table[i].name);

        ASSERT_EQ(trail_walk(path, &trail), table[i].r);
    }
    ASSERT_EQ(trail_walk("relative", &trail), -EINVAL);
}

static void expect_remedy(Trail *trail, Remedy remedy, const char *expected)
{
    _cleanup_free_ char *text = trail_remedy(trail, remedy);

    ASSERT_STREQ(text, expected);
}

static void test_remedies(void)
{
    Trail trail = { .path = (char *)"/a/b" };

    expect_remedy(&trail, REMEDY_CREATE,
                  "create it with install -d -o acmems -g acmems -m 0750 '/a/b'");
    expect_remedy(&trail, REMEDY_DIRECTORY, "run chown -hR acmems: '/a/b'");
    expect_remedy(&trail, REMEDY_KEY, "run chown -h acmems: '/a/b' && chmod 0400 '/a/b'");
    expect_remedy(&trail, REMEDY_READABLE, "give it the group acmems and mode 0640");
    /* The file belongs to another user, its name is root's. */
    trail.top = (char *)"/a/b";
    trail.uid = OTHER;
    expect_remedy(&trail, REMEDY_DIRECTORY, "run chown -hR acmems: '/a/b'");
    trail.top = (char *)"/a";
    expect_remedy(&trail, REMEDY_KEY,
                  "other users than root and acmems can change '/a': choose another directory");
    trail.top = NULL;
    trail.open = (char *)"/a";
    expect_remedy(&trail, REMEDY_KEY,
                  "other users than root and acmems can change '/a': choose another directory");
    trail.link = (char *)"/a/b";
    expect_remedy(&trail, REMEDY_KEY,
                  "'/a/b' is a symbolic link that another user than root can change: remove it");
}

int main(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();
    _cleanup_free_ char *closed = test_path(directory, "closed");

    ASSERT_OK(chmod(directory, 0755));
    make(directory, "root", NULL, 0);
    make(directory, "root/below", NULL, 0);
    make(directory, "other", NULL, OTHER);
    make(directory, "other/root", NULL, 0);
    make(directory, "other/link", "../root", OTHER);
    make(directory, "other/roots-link", "../root", 0);
    make(directory, "other/nothing", "missing", OTHER);
    make(directory, "link-to-root", "root", OTHER);
    make(directory, "link-to-other", "other", 0);
    make(directory, "to-to-other", "root/../link-to-other", 0);
    make(directory, "loop", "loop", 0);
    make(directory, "closed", NULL, 0);
    make(directory, "closed/other", NULL, OTHER);
    make(directory, "other/to-closed", "../closed", OTHER);
    test_write(directory, "file", "");
    ASSERT_OK(chmod(closed, 0700));
    test_walk(directory);
    test_errors(directory);
    test_remedies();
    return EXIT_SUCCESS;
}
