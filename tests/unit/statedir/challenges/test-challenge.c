/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/challenges/challenge.h"

#include "statedir/files/atomic-file.h"
#include "test-directory-faults.h"
#include "test-directory.h"
#include "test.h"

static void test_token(void)
{
    char token[CHALLENGE_TOKEN_MAX + 2];

    ASSERT_TRUE(challenge_token_is_valid("a"));
    ASSERT_TRUE(challenge_token_is_valid("Ab0_-"));
    ASSERT_FALSE(challenge_token_is_valid(""));
    ASSERT_FALSE(challenge_token_is_valid("."));
    ASSERT_FALSE(challenge_token_is_valid("../x"));
    ASSERT_FALSE(challenge_token_is_valid("a/b"));
    ASSERT_FALSE(challenge_token_is_valid("a.b"));
    ASSERT_FALSE(challenge_token_is_valid("a b"));
    ASSERT_FALSE(challenge_token_is_valid("a\n"));
    ASSERT_FALSE(challenge_token_is_valid("\xc3\xa4"));

    memset(token, 'x', sizeof(token));
    token[CHALLENGE_TOKEN_MAX + 1] = '\0';
    ASSERT_FALSE(challenge_token_is_valid(token));
    token[CHALLENGE_TOKEN_MAX] = '\0';
    ASSERT_TRUE(challenge_token_is_valid(token));
}

static void test_life(void)
{
    _cleanup_test_directory_ char *path = test_directory_new();
    _cleanup_close_ int fd = directory_open(path, 0750);
    _cleanup_free_ char *content = NULL;
    size_t size;

    ASSERT_EQ(challenge_read(fd, "token", &content, &size), CHALLENGE_NOT_FOUND);
    ASSERT_OK(challenge_write(fd, "token", "token.thumbprint"));
    ASSERT_EQ(test_mode(path, "token"), 0640);
    ASSERT_EQ(challenge_read(fd, "token", &content, &size), CHALLENGE_FOUND);
    ASSERT_EQ(size, strlen("token.thumbprint"));
    ASSERT_STREQ(content, "token.thumbprint");
    ASSERT_OK(challenge_remove(fd, "token"));
    ASSERT_OK(challenge_remove(fd, "token"));
    ASSERT_FALSE(test_exists(path, "token"));
}

static void test_never_outside(void)
{
    _cleanup_test_directory_ char *path = test_directory_new();
    _cleanup_close_ int fd = directory_open(path, 0750);
    _cleanup_free_ char *link = test_path(path, "link");
    char big[CHALLENGE_SIZE_MAX + 2];
    char *content = NULL;
    size_t size;

    ASSERT_EQ(challenge_read(fd, "../etc/passwd", &content, &size), CHALLENGE_NOT_FOUND);
    ASSERT_EQ(challenge_read(fd, "", &content, &size), CHALLENGE_NOT_FOUND);
    ASSERT_EQ(challenge_write(fd, "../token", "x"), -EINVAL);
    ASSERT_EQ(challenge_remove(fd, "../token"), -EINVAL);
    ASSERT_OK(symlink("/etc/hostname", link));
    ASSERT_EQ(challenge_read(fd, "link", &content, &size), -ELOOP);

    memset(big, 'x', sizeof(big));
    big[CHALLENGE_SIZE_MAX + 1] = '\0';
    ASSERT_EQ(challenge_write(fd, "big", big), -EFBIG);
    test_write(path, "big", big);
    ASSERT_EQ(challenge_read(fd, "big", &content, &size), -EFBIG);
    ASSERT_TRUE(!content);
}

static void test_sweep(void)
{
    _cleanup_test_directory_ char *path = test_directory_new();
    _cleanup_close_ int fd = directory_open(path, 0750);

    ASSERT_OK(challenge_sweep(fd));
    ASSERT_OK(challenge_write(fd, "one", "x"));
    ASSERT_OK(challenge_write(fd, "two", "x"));
    test_write(path, ".tmp-0011", "x");
    test_write(path, "no.token", "x");
    fault_readdir = EIO;
    fault_readdir_after = 0;
    ASSERT_EQ(challenge_sweep(fd), -EIO);
    fault_readdir = 0;
    fault_fdopendir = EMFILE;
    ASSERT_EQ(challenge_sweep(fd), -EMFILE);
    fault_fdopendir = 0;
    ASSERT_TRUE(test_exists(path, "one") && test_exists(path, ".tmp-0011"));
    ASSERT_OK(mkdirat(fd, "directory", 0700));
    ASSERT_EQ(challenge_sweep(fd), -EISDIR);
    ASSERT_FALSE(test_exists(path, "one") || test_exists(path, "two"));
    ASSERT_FALSE(test_exists(path, ".tmp-0011"));
    ASSERT_TRUE(test_exists(path, "no.token"));
}

int main(void)
{
    test_token();
    test_life();
    test_never_outside();
    test_sweep();
    return 0;
}
