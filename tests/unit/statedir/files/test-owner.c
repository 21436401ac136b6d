/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/owner.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "test-directory.h"
#include "test.h"

#define OTHER    ((uid_t)65534)
#define NAMELESS ((uid_t)54321)

/* Each case in a process of its own. */
static void expect(const char *directory, const char *name, uid_t owner)
{
    _cleanup_free_ char *path = test_path(directory, name);
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        char *doing = NULL;
        gid_t group = 4711;

        ASSERT_OK(setgroups(1, &group));
        ASSERT_OK(owner_become(path, &doing));
        ASSERT_EQ(geteuid(), owner);
        ASSERT_EQ(getegid(), owner);
        ASSERT_OK(owner_become("/", &doing));
        ASSERT_TRUE(!doing);
        ASSERT_EQ(geteuid(), owner);
        ASSERT_EQ(owner_leave(), owner != 0);
        ASSERT_EQ(geteuid(), 0);
        ASSERT_EQ(getegid(), getgid());
        ASSERT_EQ(getgroups(1, &group), 1);
        ASSERT_EQ(group, 4711);
        exit(EXIT_SUCCESS);
    }
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0);
}

static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

    ASSERT_OK(syscall(SYS_capset, &header, none));
}

/* An error names what failed, for which path and user. @doing: with the path for %s. */
static void expect_error(const char *directory, const char *name, int error, const char *doing)
{
    _cleanup_free_ char *path = test_path(directory, name), *expected = NULL;
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        char *text = NULL;

        ASSERT_TRUE(asprintf(&expected, "%s '%s'", doing, path) > 0);
        drop_capabilities();
        ASSERT_EQ(owner_become(path, &text), error);
        ASSERT_EQ(geteuid(), 0);
        ASSERT_STREQ(text, expected);
        free(text);
        exit(EXIT_SUCCESS);
    }
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0);
}

static void test_errors(const char *directory)
{
    const struct passwd *user = getpwuid(OTHER);
    _cleanup_free_ char *doing = NULL;

    ASSERT_TRUE(asprintf(&doing, "act as user %s, the owner of", user ? user->pw_name : "65534") >
                0);
    expect_error(directory, "other/missing", -EPERM, doing);
    expect_error(directory, "nameless", -EPERM, "act as user 54321, the owner of");
    expect_error(directory, "loop", -ELOOP, "find the owner of");
    expect_error(directory, "file/account", -ENOTDIR, "find the owner of");
}

/* A directory of root where a group can replace names. For reading, the file's owner will do. */
static void test_loose(const char *directory)
{
    _cleanup_free_ char *loose = test_path(directory, "loose"),
                        *path = test_path(directory, "loose/account"), *expected = NULL,
                        *doing = NULL;
    ASSERT_OK(mkdir(loose, 0700));
    ASSERT_OK(chmod(loose, 0770));
    ASSERT_TRUE(asprintf(&expected,
                         "use '%s' as root: others can replace names in '%s'; make that a "
                         "directory of the user who writes there",
                         path, loose) > 0);
    ASSERT_EQ(owner_become(path, &doing), -EPERM);
    ASSERT_STREQ(doing, expected);
    ASSERT_OK(owner_become_reader(path, &doing));
    ASSERT_OK(chmod(loose, 01777));
    ASSERT_OK(owner_become(path, &doing));
    ASSERT_EQ(geteuid(), 0);
}

static void make(const char *directory, const char *name, const char *target, uid_t owner)
{
    _cleanup_free_ char *path = test_path(directory, name);

    ASSERT_OK(target ? symlink(target, path) : mkdir(path, 0755));
    ASSERT_OK(lchown(path, owner, owner));
}

int main(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();

    make(directory, "root", NULL, 0);
    make(directory, "root/below", NULL, 0);
    make(directory, "other", NULL, OTHER);
    make(directory, "other/root", NULL, 0);
    make(directory, "other/link", "../root", OTHER);
    make(directory, "nameless", NULL, NAMELESS);
    test_write(directory, "file", "");
    make(directory, "link-to-root", "root", OTHER);
    make(directory, "link-to-other", "other", 0);
    make(directory, "through-other", "other/link", 0);
    make(directory, "loop", "loop", 0);

    expect(directory, "root/below", 0);
    expect(directory, "root/missing/account", 0);
    expect(directory, "other", OTHER);
    expect(directory, "other/", OTHER);
    expect(directory, "other/missing/account", OTHER);
    /* root's, but in a directory where its name can be replaced */
    expect(directory, "other/root", OTHER);
    /* leads to what is root's */
    expect(directory, "other/link/below", OTHER);
    expect(directory, "link-to-root", OTHER);
    expect(directory, "link-to-root/below", OTHER);
    expect(directory, "link-to-other", OTHER);
    /* root's, but acmems could make "other/link" lead elsewhere */
    expect(directory, "through-other", OTHER);
    expect(directory, "through-other/below", OTHER);
    test_errors(directory);
    test_loose(directory);
    return EXIT_SUCCESS;
}
