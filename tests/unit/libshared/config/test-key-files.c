/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/key-files.h"

#include <syslog.h>

#include "loading/load.h"
#include "test-directory.h"
#include "test.h"

#define SECRET "c2VjcmV0LW9mLXRoZS1rZXk="

typedef struct Heard {
    int level;
    unsigned line;
    char text[512];
} Heard;

static void hear(int level, const char *file, unsigned line, const char *text, void *userdata)
{
    Heard *heard = userdata;

    ASSERT_TRUE(strstr(file, "acmems.ini"));
    heard->level = level;
    heard->line = line;
    snprintf(heard->text, sizeof(heard->text), "%s", text);
}

static void test_check(const char *directory)
{
    static const struct {
        const char *algorithm;
        mode_t mode;
        int r, level;
        const char *text;
    } table[] = {
        { "hmac-sha256", 0640, 0, 0, "" },
        { "hmac-sha256", 0644, 0, LOG_WARNING, "tsig.key' is readable by every user" },
        { "hmac-sha1", 0640, 0, LOG_WARNING, "tsig.key' uses hmac-sha1" },
        { "hmac-sha384", 0640, -EINVAL, LOG_ERR,
          "tsig.key' cannot be used: its algorithm hmac-sha384 is not supported" },
        { NULL, 0, -EINVAL, LOG_ERR,
          "cannot be used: it cannot be read: No such file or directory" },
    };
    _cleanup_free_ char *main_path = test_path(directory, "acmems.ini");
    _cleanup_free_ char *key_path = test_path(directory, "tsig.key");
    _cleanup_(config_unrefp) Config *config = NULL;
    char content[512];

    snprintf(content, sizeof(content),
             "[verification \"h\"]\ntype = http01\n[verification \"d\"]\ntype = dns01-dnsUpdate\n"
             "tsig-key-file = %s\n",
             key_path);
    test_write(directory, "acmems.ini", content);
    ASSERT_OK(config_load(main_path, hear, &(Heard){ 0 }, &config));
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Heard heard = { 0 };

        snprintf(content, sizeof(content), "key \"a\" { algorithm %s; secret \"" SECRET "\"; };",
                 str_or(table[i].algorithm, "none"));
        if (table[i].algorithm) {
            test_write(directory, "tsig.key", content);
            ASSERT_OK(chmod(key_path, table[i].mode));
        } else {
            ASSERT_OK(unlink(key_path));
        }
        ASSERT_EQ(key_files_read(config, hear, &heard), table[i].r);
        ASSERT_EQ(heard.level, table[i].level);
        if (table[i].r == 0)
            ASSERT_STREQ(config->verifications[1]->tsig_key->algorithm->name, table[i].algorithm);
        ASSERT_EQ(heard.line, table[i].level ? 5 : 0);
        ASSERT_TRUE(strstr(heard.text, table[i].text));
        ASSERT_EQ(key_files_read(config, NULL, NULL), table[i].r);
    }
}

int main(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();

    test_check(directory);
    return EXIT_SUCCESS;
}
