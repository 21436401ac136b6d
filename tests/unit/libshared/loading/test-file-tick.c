/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Changes of a configuration within one clock tick of the file system. Recent kernels use finer
 * times for a file whose times were read, so the stamps here are fakes. */

#include <sys/stat.h>

#include "base/file-stamp.h"
#include "loading/file.h"
#include "test-logged.h"

#define MAIN   "main.ini"
#define DROPIN "main.d/10.ini"
#define KEY    "tsig.key"

static bool tick_lasts = true;

FileStamp file_stamp_take(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return (FileStamp){ .exists = false };
    return (FileStamp){ .exists = true, .size = S_ISREG(st.st_mode) ? st.st_size : 0 };
}

bool file_stamp_equal(const FileStamp *a, const FileStamp *b)
{
    return a->exists == b->exists && a->size == b->size;
}

bool file_stamp_is_fresh(const FileStamp *stamp)
{
    return stamp->exists && tick_lasts;
}

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "we");

    ASSERT_TRUE(file);
    ASSERT_TRUE(fputs(content, file) >= 0);
    ASSERT_OK(fclose(file));
}

static size_t max_size(ConfigFile *file)
{
    return config_file_get(file)->max_size;
}

static void test_change(ConfigFile *file)
{
    ASSERT_EQ(max_size(file), 1111);
    write_file(MAIN, "[mgmt]\nmax-size=2222\n");
    for (unsigned i = 0; i < 3; i++)
        ASSERT_EQ(max_size(file), 2222);
    ASSERT_EQ(logged("Read the changed configuration"), 1);
}

/* Findings are logged once for each version of the file. */
static void test_broken(ConfigFile *file)
{
    write_file(MAIN, "[mgmt]\nmax-size=zero\n");
    for (unsigned i = 0; i < 3; i++)
        ASSERT_EQ(max_size(file), 2222);
    ASSERT_EQ(logged("max-size = 'zero'"), 1);
    write_file(MAIN, "[mgmt]\nmax-size=none\n");
    for (unsigned i = 0; i < 3; i++)
        ASSERT_EQ(max_size(file), 2222);
    ASSERT_EQ(logged("max-size = 'none'"), 1);
    write_file(MAIN, "[mgmt]\nmax-size=2345\n");
    ASSERT_EQ(max_size(file), 2345);
}

static void test_dropins(ConfigFile *file)
{
    write_file(MAIN, "");
    ASSERT_OK(mkdir("main.d", 0700));
    ASSERT_EQ(max_size(file), 4096);
    write_file(DROPIN, "[mgmt]\nmax-size=3333\n");
    ASSERT_EQ(max_size(file), 3333);
    ASSERT_OK(rename(DROPIN, "main.d/20.txt"));
    ASSERT_EQ(max_size(file), 4096);
    ASSERT_OK(unlink("main.d/20.txt"));
    ASSERT_OK(rmdir("main.d"));
    write_file(MAIN, "[mgmt]\nmax-size=4444\n");
    ASSERT_EQ(max_size(file), 4444);
}

static const char *key_name(ConfigFile *file)
{
    return config_file_get(file)->verifications[0]->tsig_key->name;
}

static void test_keys(void)
{
    _cleanup_free_ char *directory = get_current_dir_name();
    ConfigFile *file;
    char content[512];

    snprintf(content, sizeof(content),
             "[verification d]\ntype=dns01-dnsUpdate\ntsig-key-file=%s/" KEY "\n", directory);
    write_file("keys.ini", content);
    write_file(KEY, "key one { algorithm hmac-sha256; secret \"c2VjcmV0\"; };");
    ASSERT_OK(config_file_watch_keys("keys.ini", &file));
    ASSERT_STREQ(key_name(file), "one");
    write_file(KEY, "key two { algorithm hmac-sha256; secret \"c2VjcmV0\"; };");
    ASSERT_STREQ(key_name(file), "two");
    config_file_free(file);
    ASSERT_OK(unlink(KEY));
    ASSERT_OK(unlink("keys.ini"));
}

/* The stamps are enough again. */
static void test_end_of_tick(ConfigFile *file)
{
    Config *config = config_file_get(file);

    tick_lasts = false;
    (void)logged("all earlier messages");
    ASSERT_TRUE(config_file_get(file) == config);
    ASSERT_EQ(logged("configuration"), 0);
    write_file(MAIN, "[mgmt]\nmax-size=5555\n");
    ASSERT_TRUE(config_file_get(file) == config);
    write_file(MAIN, "[mgmt]\nmax-size=666\n");
    ASSERT_EQ(max_size(file), 666);
}

int main(void)
{
    char directory[] = "/tmp/test-config-file-tick-XXXXXX";
    ConfigFile *file;

    ASSERT_TRUE(mkdtemp(directory));
    ASSERT_OK(chdir(directory));
    logged_open("test-config-file-tick");

    write_file(MAIN, "[mgmt]\nmax-size=1111\n");
    ASSERT_OK(config_file_open(MAIN, &file));
    test_change(file);
    test_broken(file);
    test_dropins(file);
    test_keys();
    test_end_of_tick(file);
    config_file_free(file);

    logged_close();
    ASSERT_OK(unlink(MAIN));
    ASSERT_OK(chdir("/"));
    ASSERT_OK(rmdir(directory));
    return 0;
}
