/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/atomic-file.h"

#include <dirent.h>

#include "base/io.h"
#include "test-directory-faults.h"
#include "test-directory.h"
#include "test.h"

static void assert_content(int dir_fd, const char *name, const char *content)
{
    _cleanup_free_ char *found = NULL;
    size_t size;

    ASSERT_OK(read_file_at(dir_fd, name, 1000, &found, &size));
    ASSERT_EQ(size, strlen(content));
    ASSERT_STREQ(found, content);
}

static size_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    size_t n = 0;

    ASSERT_TRUE(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2;
}

static void test_replace(void)
{
    _cleanup_test_directory_ char *path = test_directory_new();
    _cleanup_close_ int fd = directory_open(path, 0750);

    ASSERT_TRUE(fd >= 0);
    ASSERT_OK(atomic_replace_at(fd, "file", "old", 3, 0640));
    assert_content(fd, "file", "old");
    ASSERT_EQ(test_mode(path, "file"), 0640);
    ASSERT_OK(atomic_replace_at(fd, "file", "new and longer", 14, 0666));
    assert_content(fd, "file", "new and longer");
    ASSERT_EQ(test_mode(path, "file"), 0666);
    ASSERT_OK(atomic_replace_at(fd, "file", NULL, 0, 0600));
    assert_content(fd, "file", "");
    ASSERT_EQ(count_entries(path), 1);
}

static void test_replace_fails(void)
{
    static const char *const wrong[] = { "", ".", "..", "a/b", "/a" };
    _cleanup_test_directory_ char *path = test_directory_new();
    _cleanup_close_ int fd = directory_open(path, 0750);
    _cleanup_free_ char *in_the_way = test_path(path, "directory");

    for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
        ASSERT_EQ(atomic_replace_at(fd, wrong[i], "x", 1, 0600), -EINVAL);
    ASSERT_OK(mkdir(in_the_way, 0700));
    ASSERT_EQ(atomic_replace_at(fd, "directory", "x", 1, 0600), -EISDIR);
    ASSERT_EQ(count_entries(path), 1);
    ASSERT_EQ(atomic_replace_at(-EBADF, "x", "x", 1, 0600), -EBADF);
}

static void test_create(void)
{
    _cleanup_test_directory_ char *path = test_directory_new();
    _cleanup_close_ int fd = directory_open(path, 0750);

    ASSERT_OK(atomic_create_at(fd, "file", "first", 5, 0600));
    ASSERT_EQ(test_mode(path, "file"), 0600);
    ASSERT_EQ(atomic_create_at(fd, "file", "second", 6, 0644), -EEXIST);
    assert_content(fd, "file", "first");
    ASSERT_EQ(test_mode(path, "file"), 0600);
    ASSERT_EQ(count_entries(path), 1);
}

static void test_clean(void)
{
    _cleanup_test_directory_ char *path = test_directory_new();
    _cleanup_close_ int fd = directory_open(path, 0750);
    _cleanup_free_ char *directory = test_path(path, ".tmp-directory");
    _cleanup_free_ char *link = test_path(path, ".tmp-link");

    ASSERT_EQ(atomic_clean_at(fd), 0);
    test_write(path, ".tmp-0123", "half of so");
    test_write(path, ".tmp-4567", "");
    test_write(path, "file", "whole");
    test_write(path, ".hidden", "whole");
    ASSERT_OK(mkdir(directory, 0700));
    ASSERT_OK(symlink("file", link));
    ASSERT_EQ(atomic_clean_at(fd), 2);
    ASSERT_FALSE(test_exists(path, ".tmp-0123"));
    ASSERT_TRUE(test_exists(path, "file"));
    ASSERT_TRUE(test_exists(path, ".hidden"));
    ASSERT_TRUE(test_exists(path, ".tmp-directory"));
    ASSERT_TRUE(test_exists(path, ".tmp-link"));
    /* A new call starts at the first name again. */
    test_write(path, ".tmp-89ab", "");
    fault_readdir = EIO;
    ASSERT_EQ(atomic_clean_at(fd), -EIO);
    fault_readdir = 0;
    ASSERT_EQ(atomic_clean_at(fd), 1);
}

static int open_inside(const char *directory, const char *name)
{
    _cleanup_free_ char *path = test_path(directory, name);
    int fd = directory_open(path, 0750);

    return fd >= 0 ? (safe_close(fd), 0) : fd;
}

static void test_directory_open(void)
{
    _cleanup_test_directory_ char *path = test_directory_new();
    mode_t mask = umask(0077);

    ASSERT_OK(open_inside(path, "a//b/c/"));
    ASSERT_EQ(test_mode(path, "a"), 0750);
    ASSERT_EQ(test_mode(path, "a/b"), 0750);
    ASSERT_EQ(test_mode(path, "a/b/c"), 0750);
    ASSERT_OK(open_inside(path, "a/b/c"));
    test_write(path, "file", "");
    ASSERT_EQ(open_inside(path, "file"), -ENOTDIR);
    ASSERT_EQ(open_inside(path, "file/x"), -ENOTDIR);
    ASSERT_EQ(directory_open("", 0750), -ENOENT);

    ASSERT_OK(chdir(path));
    ASSERT_OK(open_inside(".", "d"));
    safe_close(directory_open("e", 0700));
    ASSERT_EQ(test_mode(path, "d"), 0750);
    ASSERT_EQ(test_mode(path, "e"), 0700);
    ASSERT_OK(chdir("/"));
    (void)umask(mask);
}

static void assert_owner(const char *path, uid_t uid, gid_t gid)
{
    struct stat st;

    ASSERT_OK(lstat(path, &st));
    ASSERT_EQ(st.st_uid, uid);
    ASSERT_EQ(st.st_gid, gid);
}

/* As root: in a directory of another user. Otherwise the test user owns everything. */
static void test_owner(void)
{
    _cleanup_test_directory_ char *path = test_directory_new();
    _cleanup_free_ char *below = test_path(path, "a/b"), *file = test_path(below, "file"),
                        *other = test_path(below, "other");
    uid_t uid = geteuid() == 0 ? 12345 : geteuid();
    gid_t gid = geteuid() == 0 ? 54321 : getegid();
    _cleanup_close_ int fd = -EBADF;

    ASSERT_OK(chown(path, uid, gid));
    fd = directory_open(below, 0700);
    ASSERT_TRUE(fd >= 0);
    assert_owner(below, uid, gid);
    ASSERT_EQ(test_mode(path, "a/b"), 0700);
    ASSERT_OK(atomic_create_at(fd, "file", "x", 1, 0600));
    ASSERT_OK(atomic_replace_at(fd, "other", "x", 1, 0600));
    assert_owner(file, uid, gid);
    assert_owner(other, uid, gid);
    ASSERT_EQ(test_mode(below, "file"), 0600);
}

int main(void)
{
    test_replace();
    test_replace_fails();
    test_create();
    test_clean();
    test_directory_open();
    test_owner();
    return 0;
}
