/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/file.h"

#include <sys/stat.h>

#include "test-logged.h"

#define MAIN   "main.ini"
#define DROPIN "main.d/10.ini"

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "we");

    ASSERT_TRUE(file);
    ASSERT_TRUE(fputs(content, file) >= 0);
    ASSERT_OK(fclose(file));
}

static void write_size(const char *path, unsigned size)
{
    char content[64];

    snprintf(content, sizeof(content), "[mgmt]\nmax-size=%u\n", size);
    write_file(path, content);
}

static void test_changes(ConfigFile *file)
{
    Config *first = config_ref(config_file_get(file));

    ASSERT_EQ(first->max_size, 1111);
    ASSERT_TRUE(config_file_get(file) == first);

    /* Immediately, and with the same size. */
    for (unsigned size = 2222; size < 2232; size++) {
        write_size(MAIN, size);
        ASSERT_EQ(config_file_get(file)->max_size, size);
    }
    ASSERT_EQ(first->max_size, 1111);
    config_unref(first);
    ASSERT_EQ(logged("Read the changed configuration"), 10);

    write_size("new.ini", 3333);
    ASSERT_OK(rename("new.ini", MAIN));
    ASSERT_EQ(config_file_get(file)->max_size, 3333);
}

static void test_broken(ConfigFile *file)
{
    Config *before = config_file_get(file);

    (void)logged("all earlier messages");
    write_file(MAIN, "[auth x]\ndomian=y\n");
    ASSERT_TRUE(config_file_get(file) == before);
    ASSERT_TRUE(config_file_get(file) == before);
    ASSERT_EQ(before->max_size, 3333);
    ASSERT_EQ(logged("main.ini:2: error: unknown key 'domian' in [auth \"x\"]"), 1);

    ASSERT_OK(unlink(MAIN));
    ASSERT_TRUE(config_file_get(file) == before);
    ASSERT_TRUE(config_file_get(file) == before);
    ASSERT_EQ(logged("acmems keeps the previous one"), 1);

    write_size(MAIN, 4444);
    ASSERT_EQ(config_file_get(file)->max_size, 4444);
    ASSERT_EQ(logged("error"), 0);
}

static void test_dropins(ConfigFile *file)
{
    write_file(MAIN, "");
    ASSERT_EQ(config_file_get(file)->max_size, 4096);
    ASSERT_OK(mkdir("main.d", 0755));
    ASSERT_EQ(config_file_get(file)->max_size, 4096);
    write_size(DROPIN, 5555);
    ASSERT_EQ(config_file_get(file)->max_size, 5555);
    write_size(DROPIN, 6666);
    ASSERT_EQ(config_file_get(file)->max_size, 6666);
    ASSERT_OK(unlink(DROPIN));
    ASSERT_EQ(config_file_get(file)->max_size, 4096);
    ASSERT_OK(rmdir("main.d"));
    ASSERT_EQ(config_file_get(file)->max_size, 4096);
}

static void test_level(ConfigFile *file)
{
    write_file(MAIN, "[logging]\nlevel=warning\n");
    (void)config_file_get(file);
    ASSERT_EQ(log_get_max_level(), LOG_WARNING);
    write_file(MAIN, "");
    (void)config_file_get(file);
    ASSERT_EQ(log_get_max_level(), LOG_INFO);
}

static void test_open_refused(void)
{
    ConfigFile *file = NULL;

    (void)logged("all earlier messages");
    write_file("bad.ini", "junk\n[setup]\n");
    ASSERT_EQ(config_file_open("bad.ini", &file), -EINVAL);
    ASSERT_TRUE(!file);
    ASSERT_EQ(logged("bad.ini:1: error: the line has no '='"), 1);
    ASSERT_EQ(config_file_open("bad.ini", &file), -EINVAL);
    ASSERT_EQ(logged("bad.ini:2: warning: [setup] is obsolete"), 1);
    ASSERT_EQ(config_file_open("gone.ini", &file), -ENOENT);
    ASSERT_EQ(logged("gone.ini: error: cannot be read: No such file or directory"), 1);
    ASSERT_OK(unlink("bad.ini"));
}

/* Waits for a configuration that is broken at first. */
static void test_watch(void)
{
    ConfigFile *file;

    write_file("late.ini", "junk\n");
    ASSERT_OK(config_file_watch("late.ini", &file));
    (void)logged("all earlier messages");
    ASSERT_TRUE(!config_file_get(file));
    ASSERT_EQ(logged("error"), 0); /* logged once */
    write_file("late.ini", "still junk\n");
    ASSERT_TRUE(!config_file_get(file));
    ASSERT_EQ(logged("late.ini:1: error: the line has no '='"), 1);
    write_size("late.ini", 7777);
    ASSERT_EQ(config_file_get(file)->max_size, 7777);
    write_file("late.ini", "junk\n");
    ASSERT_EQ(config_file_get(file)->max_size, 7777);
    config_file_free(file);
    ASSERT_OK(unlink("late.ini"));
}

static void write_key(const char *path, const char *name)
{
    char content[128];

    snprintf(content, sizeof(content),
             "key \"%s\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };", name);
    write_file(path, content);
}

static void write_key_config(const char *path, const char *key)
{
    _cleanup_free_ char *directory = get_current_dir_name();
    char content[512];

    snprintf(content, sizeof(content),
             "[verification d]\ntype=dns01-dnsUpdate\ntsig-key-file=%s/%s\n", directory, key);
    write_file(path, content);
}

static const char *key_name(ConfigFile *file)
{
    return config_file_get(file)->verifications[0]->tsig_key->name;
}

/* An unusable key makes the configuration invalid, at the start and later. */
static void test_keys(void)
{
    ConfigFile *file;

    (void)logged("all earlier messages");
    write_key_config("keys.ini", "one.key");
    ASSERT_OK(config_file_watch_keys("keys.ini", &file));
    ASSERT_TRUE(!config_file_get(file));
    ASSERT_TRUE(!config_file_get(file));
    ASSERT_EQ(logged("one.key' cannot be used: it cannot be read: No such file"), 1);
    write_key("one.key", "first");
    ASSERT_STREQ(key_name(file), "first");
    ASSERT_EQ(logged("Read the changed configuration"), 1);

    write_key("one.key", "again");
    ASSERT_STREQ(key_name(file), "again");
    (void)logged("all earlier messages");
    write_file("one.key", "junk");
    ASSERT_STREQ(key_name(file), "again");
    ASSERT_STREQ(key_name(file), "again");
    ASSERT_EQ(logged("keys.ini:3: error: tsig-key-file = "), 1);

    write_file("two.key", "junk");
    write_key_config("keys.ini", "two.key");
    ASSERT_STREQ(key_name(file), "again");
    ASSERT_EQ(logged("acmems keeps the previous one: it has errors"), 1);
    write_key("two.key", "second");
    ASSERT_STREQ(key_name(file), "second");
    config_file_free(file);

    /* A program that does not read keys accepts a missing key file. */
    ASSERT_OK(unlink("two.key"));
    (void)logged("all earlier messages");
    ASSERT_OK(config_file_watch("keys.ini", &file));
    ASSERT_TRUE(config_file_get(file));
    ASSERT_EQ(logged("error"), 0);
    config_file_free(file);
    ASSERT_OK(unlink("one.key"));
    ASSERT_OK(unlink("keys.ini"));
}

/* While the configuration is broken, a key changes or disappears: logged once for each change. */
static void test_keys_beside_what_is_broken(void)
{
    ConfigFile *file;

    write_key("one.key", "first");
    write_key_config("keys.ini", "one.key");
    ASSERT_OK(config_file_watch_keys("keys.ini", &file));
    (void)logged("all earlier messages");
    write_file("keys.ini", "junk\n");
    for (size_t i = 0; i < 3; i++)
        ASSERT_STREQ(key_name(file), "first");
    ASSERT_EQ(logged("the line has no '='"), 1);
    write_key("one.key", "again");
    for (size_t i = 0; i < 3; i++)
        ASSERT_STREQ(key_name(file), "first");
    ASSERT_EQ(logged("the line has no '='"), 1);
    ASSERT_OK(unlink("one.key"));
    for (size_t i = 0; i < 3; i++)
        ASSERT_STREQ(key_name(file), "first");
    ASSERT_EQ(logged("the line has no '='"), 1);
    write_key("one.key", "mended");
    write_key_config("keys.ini", "one.key");
    ASSERT_STREQ(key_name(file), "mended");
    (void)logged("all earlier messages");
    ASSERT_STREQ(key_name(file), "mended");
    ASSERT_EQ(logged("keys.ini"), 0);
    config_file_free(file);
}

/* The same without a previous configuration. */
static void test_keys_before_there_is_one(void)
{
    ConfigFile *file;

    write_file("one.key", "junk");
    ASSERT_OK(config_file_watch_keys("keys.ini", &file));
    write_file("keys.ini", "junk\n");
    ASSERT_TRUE(!config_file_get(file));
    (void)logged("all earlier messages");
    write_key("one.key", "first");
    for (size_t i = 0; i < 3; i++)
        ASSERT_TRUE(!config_file_get(file));
    ASSERT_EQ(logged("keys.ini"), 0);
    write_key_config("keys.ini", "one.key");
    ASSERT_STREQ(key_name(file), "first");
    config_file_free(file);
    ASSERT_OK(unlink("one.key"));
    ASSERT_OK(unlink("keys.ini"));
}

int main(void)
{
    char directory[] = "/tmp/test-config-file-XXXXXX";
    ConfigFile *file;

    ASSERT_TRUE(mkdtemp(directory));
    ASSERT_OK(chdir(directory));
    logged_open("test-config-file");

    write_size(MAIN, 1111);
    ASSERT_OK(config_file_open(MAIN, &file));
    test_changes(file);
    test_broken(file);
    test_dropins(file);
    test_level(file);
    config_file_free(file);
    test_open_refused();
    test_watch();
    test_keys();
    test_keys_beside_what_is_broken();
    test_keys_before_there_is_one();

    logged_close();
    ASSERT_OK(unlink(MAIN));
    ASSERT_OK(chdir("/"));
    ASSERT_OK(rmdir(directory));
    return 0;
}
