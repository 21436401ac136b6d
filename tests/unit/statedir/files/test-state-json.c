/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/state-json.h"

#include "strings/strv.h"
#include "test-directory-faults.h"
#include "test-directory.h"
#include "test.h"

static int count(const char *state)
{
    _cleanup_strv_ char **keys = NULL;
    int r = state_json_list(state, "orders", &keys);

    return r < 0 ? r : (int)strv_length(keys);
}

static void save(const char *state, const char *what)
{
    json_auto_t *object = json_object();
    char key[STORAGE_KEY_SIZE];

    ASSERT_OK(state_json_key("kind", "server", what, key));
    ASSERT_OK(state_json_save(state, "orders", key, object));
}

static void test_list(const char *state)
{
    ASSERT_EQ(count(state), 0); /* the directory does not exist */
    save(state, "a");
    save(state, "b");
    test_write(state, "orders/other.json", "{}");
    test_write(state, "orders/other", "");
    ASSERT_EQ(count(state), 2);
}

/* A directory that cannot be read does not count as empty. */
static void test_unreadable(const char *state)
{
    fault_readdir = EIO;
    fault_readdir_after = 3;
    ASSERT_EQ(count(state), -EIO);
    fault_readdir = 0;
    fault_fdopendir = EMFILE;
    ASSERT_EQ(count(state), -EMFILE);
    fault_fdopendir = 0;
    ASSERT_EQ(count(state), 2);
}

int main(void)
{
    _cleanup_test_directory_ char *state = test_directory_new();

    test_list(state);
    test_unreadable(state);
    return 0;
}
