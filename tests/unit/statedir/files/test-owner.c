/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/owner.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "test-directory.h"
#include "test.h"

#define OTHER ((uid_t)65534)

/* Each case in a process of its own. */
static void expect(const char *directory, const char *name, uid_t owner)
{
    _cleanup_free_ char *path = test_path(directory, name);
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        ASSERT_OK(owner_become(path));
        ASSERT_EQ(geteuid(), owner);
        ASSERT_EQ(getegid(), owner);
        ASSERT_OK(owner_become("/"));
        ASSERT_EQ(geteuid(), owner);
        ASSERT_EQ(owner_leave(), owner != 0);
        ASSERT_EQ(geteuid(), 0);
        exit(EXIT_SUCCESS);
    }
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0);
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
    make(directory, "link-to-root", "root", OTHER);
    make(directory, "link-to-other", "other", 0);

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
    return EXIT_SUCCESS;
}
