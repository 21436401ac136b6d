/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/user-access.h"

#include "test-directory.h"
#include "test.h"

#define NAME "file"

static void test_ourselves(const char *path)
{
    const struct passwd *user = getpwuid(geteuid());

    ASSERT_TRUE(user && user_access_is_known(user));
    ASSERT_OK(user_access(user, NULL, path, R_OK | W_OK));
    ASSERT_EQ(user_access(user, NULL, path, X_OK), -EACCES);
    ASSERT_EQ(user_access(user, NULL, "/nowhere/at/all", R_OK), -ENOENT);
}

/* Only root can ask for others. */
static void test_nobody(const char *directory, const char *path)
{
    static const struct {
        mode_t directory, file;
        int mode, r;
    } table[] = {
        { 0755, 0600, R_OK, -EACCES }, { 0755, 0640, R_OK, -EACCES }, { 0755, 0604, R_OK, 0 },
        { 0755, 0604, W_OK, -EACCES }, { 0755, 0606, W_OK, 0 },       { 0750, 0604, R_OK, -EACCES },
    };
    const struct passwd *user = getpwnam("nobody");
    bool is_root = geteuid() == 0;

    ASSERT_TRUE(user);
    ASSERT_EQ(user_access_is_known(user), is_root);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        ASSERT_OK(chmod(directory, table[i].directory));
        ASSERT_OK(chmod(path, table[i].file));
        ASSERT_EQ(user_access(user, NULL, path, table[i].mode), is_root ? table[i].r : -EPERM);
    }
}

static void test_other_root(const char *directory)
{
    const struct passwd *user = getpwnam("nobody");
    bool is_root = geteuid() == 0;

    ASSERT_OK(chmod(directory, 0755));
    ASSERT_EQ(user_access(user, directory, "/" NAME, F_OK), is_root ? 0 : -EPERM);
    ASSERT_EQ(user_access(user, directory, directory, F_OK), is_root ? -ENOENT : -EPERM);
}

int main(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();
    _cleanup_free_ char *path = test_path(directory, NAME);

    test_write(directory, NAME, "");
    ASSERT_OK(chmod(path, 0600));
    test_ourselves(path);
    test_nobody(directory, path);
    test_other_root(directory);
    return EXIT_SUCCESS;
}
