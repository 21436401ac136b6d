/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What a generator makes of a configuration, in a directory of its own. */

#include "base/io.h"
#include "config/config.h"
#include "generator/unit-file.h"
#include "loading/load.h"
#include "test-directory.h"

#define TEST_SOURCE "/etc/acmems/acmems.ini"
#define TEST_COMMENT                                                                               \
    "# Written by acmems-generator(8) from " TEST_SOURCE ". Change the settings there, not "       \
    "here.\n"

typedef struct Generated {
    char *path;
    UnitDirectory where;
} Generated;

static inline Generated generated_new(void)
{
    Generated generated = { .path = test_directory_new(), .where = { .source = TEST_SOURCE } };

    generated.where.fd = open(generated.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ASSERT_TRUE(generated.where.fd >= 0);
    return generated;
}

static inline void generated_done(Generated *generated)
{
    safe_close(generated->where.fd);
    test_directory_freep(&generated->path);
}

/* NULL: there is no such file. */
static inline void assert_generated(const Generated *generated, const char *name,
                                    const char *content)
{
    _cleanup_free_ char *path = test_path(generated->path, name), *found = NULL;
    size_t size;

    if (!content) {
        ASSERT_TRUE(access(path, F_OK) < 0);
        return;
    }
    ASSERT_OK(read_file_at(AT_FDCWD, path, 100000, &found, &size));
    ASSERT_TRUE(strncmp(found, TEST_COMMENT, STRLEN(TEST_COMMENT)) == 0);
    ASSERT_STREQ(found + STRLEN(TEST_COMMENT), content);
}

/* Writes what @write makes of the configuration. */
static inline void generate(const Generated *generated, const char *content,
                            int (*write)(const UnitDirectory *where, const Config *config))
{
    _cleanup_free_ char *path = test_path(generated->path, "acmems.ini");
    Config *config;

    test_write(generated->path, "acmems.ini", content);
    ASSERT_OK(config_load_sound(path, NULL, NULL, &config));
    ASSERT_OK(write(&generated->where, config));
    config_unref(config);
}

#define _cleanup_generated_ _cleanup_(generated_done)
