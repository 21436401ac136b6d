/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/session-record.h"

#include "statedir/files/state-json.h"
#include "strings/strv.h"
#include "test-directory.h"
#include "test.h"

#define NOW    ((time_t)1795600000)
#define SERVER "https://ca.example/dir"

static char key[STORAGE_KEY_SIZE];

static json_t *make_directory(void)
{
    json_t *directory = json_pack("{ss s{s{ss}}}", "newNonce", "https://ca.example/nonce", "meta",
                                  "profiles", "classic", "the usual");

    ASSERT_TRUE(directory);
    return directory;
}

static void save(const char *state)
{
    json_auto_t *directory = make_directory();

    ASSERT_OK(session_record_save(state, SERVER, directory, NOW));
}

static void save_nonces(const char *state, unsigned n, time_t when)
{
    _cleanup_strv_ char **nonces = NULL;
    char nonce[16];

    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(nonce, sizeof(nonce), "nonce-%u", i);
        ASSERT_OK(strv_extend(&nonces, nonce));
    }
    ASSERT_OK(session_record_add_nonces(state, SERVER, nonces, when));
}

/* Returns the number of nonces; -1: no record. */
static int take(const char *state, time_t now)
{
    _cleanup_(session_record_done) SessionRecord record = { 0 };
    json_auto_t *directory = make_directory();
    int r = session_record_take(state, SERVER, now, &record);

    if (r == -ENOENT)
        return -1;
    ASSERT_OK(r);
    ASSERT_TRUE(json_equal(record.directory, directory));
    ASSERT_EQ(record.fetched, NOW);
    return (int)strv_length(record.nonces);
}

static void test_directory(const char *state)
{
    ASSERT_EQ(take(state, NOW), -1);
    save(state);
    ASSERT_EQ(test_mode(state, "session"), 0700);
    ASSERT_EQ(take(state, NOW), 0);
    ASSERT_EQ(take(state, NOW + SESSION_DIRECTORY_AGE_MAX - 1), 0);
    ASSERT_EQ(take(state, NOW + SESSION_DIRECTORY_AGE_MAX), -1);
    ASSERT_EQ(take(state, NOW - 1), -1); /* the clock was set back */
}

static void test_nonces(const char *state)
{
    _cleanup_(session_record_done) SessionRecord record = { 0 };

    save(state);
    save_nonces(state, 2, NOW);
    ASSERT_EQ(take(state, NOW + SESSION_NONCE_AGE_MAX - 1), 2);
    ASSERT_EQ(take(state, NOW), 0); /* they are returned only once */
    save_nonces(state, 2, NOW);
    ASSERT_EQ(take(state, NOW + SESSION_NONCE_AGE_MAX), 0);
    save_nonces(state, 2, NOW + 1);
    ASSERT_EQ(take(state, NOW), 0);

    save_nonces(state, SESSION_NONCES_KEPT + 3, NOW);
    ASSERT_OK(session_record_take(state, SERVER, NOW, &record));
    ASSERT_EQ(strv_length(record.nonces), SESSION_NONCES_KEPT);
    ASSERT_STREQ(record.nonces[0], "nonce-3"); /* the newest ones, in order */

    save_nonces(state, 2, NOW);
    save(state); /* the nonces may be invalid with a new directory */
    ASSERT_EQ(take(state, NOW), 0);
}

static void test_nonces_alone(const char *state)
{
    ASSERT_OK(state_json_remove(state, "session", key));
    save_nonces(state, 2, NOW);
    ASSERT_EQ(take(state, NOW), -1);
}

/* An invalid file counts as missing, and the next save replaces it. */
static void test_damaged(const char *state)
{
    static const char *const contents[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"version\": 2, \"server\": \"" SERVER "\", \"directory\": {}, \"fetched\": 1795600000}",
        "{\"version\": 1, \"server\": \"" SERVER "\", \"directory\": [], \"fetched\": 1795600000}",
        "{\"version\": 1, \"server\": \"https://b\", \"directory\": {}, \"fetched\": 1795600000}",
        "{\"version\": 1, \"directory\": {}, \"fetched\": 1795600000}",
        "{\"version\": 1, \"server\": \"" SERVER "\", \"directory\": {}}",
    };
    _cleanup_free_ char *directory = test_path(state, "session");
    _cleanup_free_ char *name = NULL;

    ASSERT_TRUE(asprintf(&name, "%s.json", key) > 0);
    for (size_t i = 0; i < ELEMENTSOF(contents); i++) {
        test_write(directory, name, contents[i]);
        ASSERT_EQ(take(state, NOW), -1);
        save(state);
        ASSERT_EQ(take(state, NOW), 0);
    }
}

/* A CA cannot make us write files of any size, even by deep nesting (indentation). */
static void test_bound(const char *state)
{
    _cleanup_free_ char *text = calloc(1, 100000);
    json_auto_t *large = NULL, *deep = json_object();

    ASSERT_TRUE(text);
    memset(text, 'x', 99999);
    large = json_pack("{ss}", "newNonce", text);
    ASSERT_EQ(session_record_save(state, SERVER, large, NOW), -E2BIG);
    for (unsigned i = 0; i < 1000; i++)
        deep = json_pack("{so}", "a", deep);
    ASSERT_EQ(session_record_save(state, SERVER, deep, NOW), -E2BIG);
    ASSERT_EQ(take(state, NOW), 0); /* still the earlier directory */
}

static void test_sweep(const char *state)
{
    _cleanup_free_ char *directory = test_path(state, "session");

    test_write(directory, ".tmp-0123", "half");
    ASSERT_OK(session_record_sweep(state, time(NULL)));
    ASSERT_FALSE(test_exists(directory, ".tmp-0123"));
    ASSERT_EQ(take(state, NOW), 0);
    ASSERT_OK(session_record_sweep(state, time(NULL) + SESSION_DIRECTORY_AGE_MAX));
    ASSERT_EQ(take(state, NOW), -1);
}

int main(void)
{
    _cleanup_test_directory_ char *state = test_directory_new();

    ASSERT_OK(storage_key(SERVER, strlen(SERVER), key));
    ASSERT_OK(session_record_sweep(state, NOW)); /* no directory yet */
    test_directory(state);
    test_nonces(state);
    test_nonces_alone(state);
    test_damaged(state);
    test_bound(state);
    test_sweep(state);
    return EXIT_SUCCESS;
}
