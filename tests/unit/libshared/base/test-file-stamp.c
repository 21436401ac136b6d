/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file-stamp.h"

#include <sys/stat.h>

#include "test.h"

static FileStamp write_and_stamp(const char *path, const char *content)
{
    FILE *file = fopen(path, "we");

    ASSERT_TRUE(file);
    ASSERT_TRUE(fputs(content, file) >= 0);
    ASSERT_OK(fclose(file));
    return file_stamp_take(path);
}

static bool is_unchanged(const char *path, const FileStamp *stamp)
{
    FileStamp now = file_stamp_take(path);

    return file_stamp_equal(stamp, &now);
}

/* Waits for the next tick of the file system's clock. */
static void await_tick(const FileStamp *stamp)
{
    while (file_stamp_is_fresh(stamp))
        continue;
}

static void test_missing(void)
{
    FileStamp stamp = file_stamp_take("file");

    ASSERT_TRUE(!stamp.exists);
    ASSERT_TRUE(!file_stamp_is_fresh(&stamp));
    ASSERT_TRUE(is_unchanged("file", &stamp));
    (void)write_and_stamp("file", "");
    ASSERT_TRUE(!is_unchanged("file", &stamp));
}

static void test_changed(void)
{
    FileStamp stamp = write_and_stamp("file", "one");

    ASSERT_TRUE(stamp.exists);
    ASSERT_TRUE(is_unchanged("file", &stamp));
    (void)write_and_stamp("file", "four");
    ASSERT_TRUE(!is_unchanged("file", &stamp));

    stamp = write_and_stamp("file", "one");
    await_tick(&stamp);
    ASSERT_TRUE(is_unchanged("file", &stamp));
    (void)write_and_stamp("file", "two");
    ASSERT_TRUE(!is_unchanged("file", &stamp));

    stamp = file_stamp_take("file");
    await_tick(&stamp);
    ASSERT_OK(chmod("file", 0600));
    ASSERT_TRUE(!is_unchanged("file", &stamp));
}

static void test_replaced(void)
{
    FileStamp stamp = write_and_stamp("file", "one");

    (void)write_and_stamp("other", "one");
    ASSERT_OK(rename("other", "file"));
    ASSERT_TRUE(!is_unchanged("file", &stamp));
    ASSERT_OK(unlink("file"));
    ASSERT_TRUE(!is_unchanged("file", &stamp));
}

static void test_directory(void)
{
    FileStamp stamp;

    ASSERT_OK(mkdir("directory", 0700));
    stamp = file_stamp_take("directory");
    await_tick(&stamp);
    ASSERT_OK(mkdir("directory/new", 0700));
    ASSERT_TRUE(!is_unchanged("directory", &stamp));
    ASSERT_OK(rmdir("directory/new"));
    ASSERT_OK(rmdir("directory"));
}

int main(void)
{
    char directory[] = "/tmp/test-file-stamp-XXXXXX";

    ASSERT_TRUE(mkdtemp(directory));
    ASSERT_OK(chdir(directory));
    test_missing();
    test_changed();
    test_replaced();
    test_directory();
    ASSERT_OK(chdir("/"));
    ASSERT_OK(rmdir(directory));
    return 0;
}
