/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/directory.h"

#include <fcntl.h>

#include "test-directory-faults.h"
#include "test-directory.h"
#include "test.h"

/* The number of names; -errno. */
static int count(int dir_fd, const char *path)
{
    _cleanup_closedir_ DIR *directory = NULL;
    const char *name;
    int n = 0, r = directory_list_at(dir_fd, path, O_NOFOLLOW, &directory);

    if (r < 0)
        return r;
    while ((r = directory_next(directory, &name)) > 0) {
        ASSERT_FALSE(streq(name, ".") || streq(name, ".."));
        n++;
    }
    return r < 0 ? r : n;
}

static void test_list(const char *path)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    ASSERT_EQ(count(fd, "."), 0);
    test_write(path, "a", "");
    test_write(path, ".b", "");
    test_write(path, "...", "");
    ASSERT_EQ(count(AT_FDCWD, path), 3);
    ASSERT_EQ(count(fd, "."), 3);
    ASSERT_EQ(count(fd, "."), 3); /* from the start again, with the same descriptor */
    ASSERT_EQ(count(fd, "missing"), -ENOENT);
    ASSERT_EQ(count(fd, "a"), -ENOTDIR);
    ASSERT_OK(symlinkat(".", fd, "link"));
    ASSERT_EQ(count(fd, "link"), -ENOTDIR);
}

static void test_readdir_fails(const char *path)
{
    fault_readdir = EIO;
    fault_readdir_after = 2;
    ASSERT_EQ(count(AT_FDCWD, path), -EIO);
    fault_readdir = 0;
    ASSERT_TRUE(count(AT_FDCWD, path) > 0);
}

static void test_fdopendir_fails(const char *path)
{
    int before = open("/", O_RDONLY | O_CLOEXEC), after;

    ASSERT_OK(close(before));
    fault_fdopendir = ENOMEM;
    ASSERT_EQ(count(AT_FDCWD, path), -ENOMEM);
    fault_fdopendir = 0;
    after = open("/", O_RDONLY | O_CLOEXEC);
    ASSERT_OK(close(after));
    ASSERT_EQ(after, before);
}

int main(void)
{
    _cleanup_test_directory_ char *path = test_directory_new();

    test_list(path);
    test_readdir_fails(path);
    test_fdopendir_fails(path);
    return 0;
}
