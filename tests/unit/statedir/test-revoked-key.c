/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/revoked-key.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "make-x509.h"
#include "test-directory.h"
#include "test.h"

#define NOW ((time_t)1795600000)

/* The path of the only file in the directory. */
static char *only_file(const char *state)
{
    _cleanup_free_ char *path = join(state, "/", REVOKED_KEYS_DIRECTORY);
    DIR *directory = opendir(path);
    char *file = NULL;
    struct dirent *entry;

    ASSERT_TRUE(directory);
    while ((entry = readdir(directory)))
        if (entry->d_name[0] != '.') {
            ASSERT_TRUE(!file);
            file = join(path, "/", entry->d_name);
        }
    closedir(directory);
    ASSERT_TRUE(file);
    return file;
}

static void test_remembers(const char *state)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256"), *other = make_key("P-256");
    _cleanup_free_ char *path = NULL;
    char text[256] = { 0 };
    struct stat st;
    int fd;

    ASSERT_EQ(revoked_key_is_known(state, key), 0);
    ASSERT_OK(revoked_key_save(state, key, "0123", NOW));
    ASSERT_EQ(revoked_key_is_known(state, key), 1);
    ASSERT_EQ(revoked_key_is_known(state, other), 0);

    path = only_file(state);
    ASSERT_OK(stat(path, &st));
    ASSERT_EQ(st.st_mode & 07777, 0640);
    /* The first time stays. */
    ASSERT_OK(revoked_key_save(state, key, "4567", NOW + 1));
    fd = open(path, O_RDONLY);
    ASSERT_TRUE(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    ASSERT_TRUE(strstr(text, "\"revoked\": 1795600000") && strstr(text, "\"serial\": \"0123\""));

    /* Whatever became of the file, the key is not good. */
    ASSERT_OK(truncate(path, 0));
    ASSERT_EQ(revoked_key_is_known(state, key), 1);
    ASSERT_OK(unlink(path));
    ASSERT_EQ(revoked_key_is_known(state, key), 0);
}

/* That a key is good must not be concluded from an error. */
static void test_unreadable(const char *state)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *path = join(state, "/", REVOKED_KEYS_DIRECTORY), *file = NULL;

    ASSERT_OK(revoked_key_save(state, key, "0123", NOW));
    file = only_file(state);
    ASSERT_OK(unlink(file));
    ASSERT_OK(symlink("nowhere", file));
    ASSERT_TRUE(revoked_key_is_known(state, key) < 0);
    ASSERT_OK(unlink(file));
    ASSERT_OK(rmdir(path));
    ASSERT_OK(symlink("/dev/null", path));
    ASSERT_TRUE(revoked_key_is_known(state, key) < 0);
    ASSERT_OK(unlink(path));
}

int main(void)
{
    _cleanup_test_directory_ char *state = test_directory_new();

    test_remembers(state);
    test_unreadable(state);
    return EXIT_SUCCESS;
}
