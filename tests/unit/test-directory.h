/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A directory of its own for a test, gone with everything in it when the variable's scope ends. */

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "test.h"

static inline char *test_directory_new(void)
{
    char *path = strdup("/tmp/acmems-test-XXXXXX");

    ASSERT_TRUE(path && mkdtemp(path));
    return path;
}

static inline int test_directory_remove_one(const char *path, const struct stat *st, int type,
                                            struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void test_directory_freep(char **path)
{
    if (!*path)
        return;
    (void)nftw(*path, test_directory_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(*path);
}

/* A path inside; free(). */
static inline char *test_path(const char *directory, const char *name)
{
    char *path;

    ASSERT_TRUE(asprintf(&path, "%s/%s", directory, name) > 0);
    return path;
}

static inline unsigned test_mode(const char *directory, const char *name)
{
    _cleanup_free_ char *path = test_path(directory, name);
    struct stat st;

    ASSERT_OK(lstat(path, &st));
    return st.st_mode & 07777;
}

static inline void test_write(const char *directory, const char *name, const char *content)
{
    _cleanup_free_ char *path = test_path(directory, name);
    FILE *file = fopen(path, "w");

    ASSERT_TRUE(file);
    ASSERT_TRUE(fputs(content, file) >= 0);
    ASSERT_OK(fclose(file));
}

static inline bool test_exists(const char *directory, const char *name)
{
    _cleanup_free_ char *path = test_path(directory, name);

    return access(path, F_OK) == 0;
}

#define _cleanup_test_directory_ _cleanup_(test_directory_freep)
