/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test-units.h"

#define DROP_IN "a.socket.d/50-acmems.conf"

static void test_text(void)
{
    _cleanup_generated_ Generated generated = generated_new();
    _cleanup_(unit_file_done) UnitFile file = { 0 };

    ASSERT_OK(unit_file_open(&file, &generated.where));
    unit_file_set(&file, "Unit", "Description", "100%");
    unit_file_set(&file, "Unit", "After", "");
    unit_file_set(&file, "Socket", "ListenStream", "/run/a \"b\\c%d");
    ASSERT_OK(unit_file_write_drop_in(&file, "a.socket"));
    assert_generated(&generated, DROP_IN,
                     "\n[Unit]\nDescription=100%%\nAfter=\n"
                     "\n[Socket]\nListenStream=/run/a \"b\\c%%d\n");
    ASSERT_EQ(test_mode(generated.path, DROP_IN), 0644);
    ASSERT_EQ(test_mode(generated.path, "a.socket.d"), 0755);

    /* the same text for a second unit */
    ASSERT_OK(unit_file_write_drop_in(&file, "b@.service"));
    ASSERT_TRUE(test_exists(generated.path, "b@.service.d/50-acmems.conf"));
}

static void test_words(void)
{
    static const struct {
        const char *word, *written;
    } table[] = {
        { "/srv", "-/srv" },
        { "/srv/50%", "-/srv/50%%" },
        { "/srv/a b", "\"-/srv/a b\"" },
        { "/srv/a:b", "\"-/srv/a:b\"" },
        { "/srv/it's", "\"-/srv/it's\"" },
        { "/srv/a\"b\\c", "\"-/srv/a\\\"b\\\\c\"" },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_generated_ Generated generated = generated_new();
        _cleanup_(unit_file_done) UnitFile file = { 0 };
        char expected[128];

        ASSERT_OK(unit_file_open(&file, &generated.where));
        unit_file_add_word(&file, "Service", "BindPaths", "-", table[i].word);
        ASSERT_OK(unit_file_write_drop_in(&file, "a.socket"));
        snprintf(expected, sizeof(expected), "\n[Service]\nBindPaths=%s\n", table[i].written);
        assert_generated(&generated, DROP_IN, expected);
    }
}

static void test_nothing_set(void)
{
    _cleanup_generated_ Generated generated = generated_new();
    _cleanup_(unit_file_done) UnitFile file = { 0 };

    ASSERT_OK(unit_file_open(&file, &generated.where));
    ASSERT_OK(unit_file_write_drop_in(&file, "a.socket"));
    ASSERT_FALSE(test_exists(generated.path, "a.socket.d"));
}

static void test_unit(void)
{
    _cleanup_generated_ Generated generated = generated_new();
    _cleanup_(unit_file_done) UnitFile file = { 0 };

    ASSERT_OK(unit_file_open(&file, &generated.where));
    unit_file_set(&file, "Socket", "ListenStream", "1");
    for (unsigned i = 0; i < 2; i++) { /* by hand one may do it again */
        ASSERT_OK(unit_file_write_unit(&file, "b.socket", "a.socket"));
        assert_generated(&generated, "b.socket", "\n[Socket]\nListenStream=1\n");
        assert_generated(&generated, "a.socket.wants/b.socket", "\n[Socket]\nListenStream=1\n");
    }
}

static void test_no_room(void)
{
    _cleanup_generated_ Generated generated = generated_new();
    _cleanup_(unit_file_done) UnitFile file = { 0 };

    test_write(generated.path, "a.socket.d", "a file");
    ASSERT_OK(unit_file_open(&file, &generated.where));
    unit_file_set(&file, "Socket", "ListenStream", "1");
    ASSERT_EQ(unit_file_write_drop_in(&file, "a.socket"), -ENOTDIR);
    ASSERT_EQ(unit_file_write_unit(&file, "no/such.socket", "a.socket"), -ENOENT);
}

int main(void)
{
    test_text();
    test_words();
    test_nothing_set();
    test_unit();
    test_no_room();
    return 0;
}
