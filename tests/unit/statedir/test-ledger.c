/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/ledger.h"

#include <dirent.h>

#include "test-directory.h"
#include "test.h"

#define NOW    ((time_t)1795600000)
#define WINDOW 100

static const LedgerKey key = { "orders", "https://ca.example/dir", "account", WINDOW };

/* The number of times in the window at @now. */
static size_t count(const char *state, const LedgerKey *of, time_t now)
{
    _cleanup_(ledger_done) Ledger ledger = { 0 };

    ASSERT_OK(ledger_load(state, of, now, &ledger));
    return ledger.n;
}

static void add(const char *state, const LedgerKey *to, time_t now)
{
    _cleanup_(ledger_done) Ledger ledger = { 0 };
    size_t n;

    ASSERT_OK(ledger_load(state, to, now, &ledger));
    n = ledger.n;
    ASSERT_OK(ledger_add(state, to, now, NULL, &ledger));
    ASSERT_EQ(ledger.n, n + 1);
    ASSERT_EQ(ledger.times[n], now);
}

static void test_window(const char *state)
{
    const LedgerKey other = { "orders", key.server, "another", WINDOW };

    ASSERT_EQ(count(state, &key, NOW), 0);
    add(state, &key, NOW);
    add(state, &key, NOW + 50);
    ASSERT_EQ(count(state, &key, NOW + 50), 2);
    ASSERT_EQ(count(state, &key, NOW + 99), 2);
    ASSERT_EQ(count(state, &key, NOW + 100), 1);
    ASSERT_EQ(count(state, &key, NOW + 150), 0);
    ASSERT_EQ(count(state, &key, NOW - 1), 0); /* the clock was set back */
    ASSERT_EQ(count(state, &other, NOW + 50), 0);
    ASSERT_EQ(test_mode(state, "budget"), 0700);
}

static size_t n_files(const char *state)
{
    _cleanup_free_ char *path = test_path(state, "budget");
    DIR *directory = opendir(path);
    size_t n = 0;

    ASSERT_TRUE(directory);
    while (readdir(directory))
        n++;
    ASSERT_OK(closedir(directory));
    return n - 2;
}

static void test_sweep(const char *state)
{
    ASSERT_EQ(n_files(state), 1);
    ASSERT_OK(ledger_sweep(state, time(NULL)));
    ASSERT_EQ(n_files(state), 1);
    ASSERT_OK(ledger_sweep(state, time(NULL) + LEDGER_WINDOW_MAX));
    ASSERT_EQ(n_files(state), 0);
}

/* Notes stay with their times, also when the first ones leave the window. */
static void test_notes(const char *state)
{
    static const char *const notes[] = { "first", NULL, "third" };
    _cleanup_free_ char *too_long = calloc(1, LEDGER_NOTE_MAX + 2);
    _cleanup_(ledger_done) Ledger ledger = { 0 };

    ASSERT_TRUE(too_long);
    memset(too_long, 'x', LEDGER_NOTE_MAX + 1);
    for (size_t i = 0; i < ELEMENTSOF(notes); i++) {
        _cleanup_(ledger_done) Ledger before = { 0 };

        ASSERT_OK(ledger_load(state, &key, NOW + (time_t)i, &before));
        ASSERT_OK(ledger_add(state, &key, NOW + (time_t)i, notes[i], &before));
    }
    ASSERT_OK(ledger_load(state, &key, NOW + WINDOW, &ledger));
    ASSERT_EQ(ledger.n, 2);
    ASSERT_TRUE(!ledger.notes[0]);
    ASSERT_STREQ(ledger.notes[1], "third");
    ASSERT_OK(ledger_add(state, &key, NOW + WINDOW, too_long, &ledger));
    ASSERT_TRUE(!ledger.notes[2]);
}

static void test_bound(const char *state)
{
    _cleanup_(ledger_done) Ledger ledger = { .times = calloc(LEDGER_MAX, sizeof(time_t)),
                                             .notes = calloc(LEDGER_MAX, sizeof(char *)),
                                             .n = LEDGER_MAX };

    ASSERT_TRUE(ledger.times && ledger.notes);
    for (size_t i = 0; i < LEDGER_MAX; i++)
        ledger.times[i] = NOW;
    ASSERT_OK(ledger_add(state, &key, NOW + 1, "full", &ledger));
    ASSERT_EQ(ledger.n, LEDGER_MAX);
    ASSERT_EQ(ledger.times[LEDGER_MAX - 1], NOW + 1);
    ASSERT_EQ(count(state, &key, NOW + 1), LEDGER_MAX);
}

int main(void)
{
    _cleanup_test_directory_ char *state = test_directory_new();

    ASSERT_OK(ledger_sweep(state, NOW)); /* no directory yet */
    test_window(state);
    test_sweep(state);
    test_bound(state);
    ASSERT_OK(ledger_sweep(state, time(NULL) + LEDGER_WINDOW_MAX));
    test_notes(state);
    return EXIT_SUCCESS;
}
