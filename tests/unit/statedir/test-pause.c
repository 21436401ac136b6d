/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/pause.h"

#include "test-directory.h"
#include "test.h"

#define NOW  ((time_t)1795600000)
#define HOUR 3600
#define DAY  (24 * HOUR)

static char server[] = "https://ca.example/dir", what[] = "www.example.org",
            reason[] = "it is \"down\"", problem[] = "connection";

static Pause example(time_t until)
{
    return (Pause){ .kind = PAUSE_NAME,
                    .server = server,
                    .what = what,
                    .since = until - HOUR,
                    .until = until,
                    .count = 3,
                    .status = 421,
                    .reason = reason,
                    .problem = problem };
}

static int load(const char *state, time_t now, Pause *ret)
{
    return pause_load(state, PAUSE_NAME, server, what, now, ret);
}

static void test_life(const char *state)
{
    const Pause written = example(NOW + HOUR);
    Pause read = { 0 };

    ASSERT_EQ(load(state, NOW, &read), -ENOENT);
    ASSERT_OK(pause_remove(state, PAUSE_NAME, server, what));
    ASSERT_OK(pause_save(state, &written));
    ASSERT_EQ(test_mode(state, "backoff"), 0700);
    ASSERT_OK(load(state, NOW, &read));
    ASSERT_EQ(read.kind, PAUSE_NAME);
    ASSERT_EQ(read.until, NOW + HOUR);
    ASSERT_EQ(read.count, 3);
    ASSERT_EQ(read.status, 421);
    ASSERT_STREQ(read.server, server);
    ASSERT_STREQ(read.what, what);
    ASSERT_STREQ(read.reason, reason);
    ASSERT_STREQ(read.problem, problem);
    pause_done(&read);

    /* A pause with another kind, CA or name is a different one. */
    ASSERT_EQ(pause_load(state, PAUSE_DOMAIN, server, what, NOW, &read), -ENOENT);
    ASSERT_EQ(pause_load(state, PAUSE_NAME, "https://other.example/", what, NOW, &read), -ENOENT);
    ASSERT_EQ(pause_load(state, PAUSE_NAME, server, "example.org", NOW, &read), -ENOENT);

    ASSERT_OK(pause_remove(state, PAUSE_NAME, server, what));
    ASSERT_EQ(load(state, NOW, &read), -ENOENT);
}

static void test_left(void)
{
    Pause pause = example(NOW + HOUR);

    ASSERT_EQ(pause_left(&pause, NOW), HOUR);
    ASSERT_EQ(pause_left(&pause, NOW + HOUR - 1), 1);
    ASSERT_EQ(pause_left(&pause, NOW + HOUR), 0);
    /* The clock was set back. */
    ASSERT_EQ(pause_left(&pause, NOW - 8 * DAY), 0);
    pause.since = NOW;
    ASSERT_EQ(pause_left(&pause, NOW - 60), HOUR + 60);
    ASSERT_EQ(pause_left(&pause, NOW - 61), 0);
}

static void test_count_is_kept(const char *state)
{
    const Pause pause = example(NOW);
    Pause read = { 0 };

    ASSERT_OK(pause_save(state, &pause));
    ASSERT_OK(load(state, NOW + DAY - 1, &read));
    ASSERT_EQ(read.count, 3);
    pause_done(&read);
    ASSERT_EQ(load(state, NOW + DAY, &read), -ENOENT);
    ASSERT_EQ(load(state, NOW, &read), -ENOENT); /* the last load removed it */
}

static int count(const Pause *pause, void *userdata)
{
    unsigned *n = userdata;

    ASSERT_STREQ(pause->reason, reason);
    (*n)++;
    return 0;
}

static void test_sweep(const char *state)
{
    _cleanup_free_ char *backoff = test_path(state, "backoff");
    static const char damaged[] = "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
                                  "274edebfe76f65fbd51ad2f14898b95b.json";
    Pause pause = example(NOW + 60);
    unsigned n = 0;

    ASSERT_OK(pause_save(state, &pause));
    pause.kind = PAUSE_SERVER;
    pause.problem = NULL;
    ASSERT_OK(pause_save(state, &pause));
    test_write(backoff, damaged, "{\"version\": 1");
    test_write(backoff, ".tmp-0123456789abcdef", "{");
    ASSERT_OK(pause_foreach(state, count, &n));
    ASSERT_EQ(n, 2);

    ASSERT_OK(pause_sweep(state, NOW));
    ASSERT_FALSE(test_exists(backoff, damaged));
    ASSERT_FALSE(test_exists(backoff, ".tmp-0123456789abcdef"));
    n = 0;
    ASSERT_OK(pause_foreach(state, count, &n));
    ASSERT_EQ(n, 2);
    ASSERT_OK(pause_sweep(state, NOW + 60 + DAY));
    n = 0;
    ASSERT_OK(pause_foreach(state, count, &n));
    ASSERT_EQ(n, 0);
}

int main(void)
{
    _cleanup_test_directory_ char *state = test_directory_new();

    ASSERT_OK(pause_sweep(state, NOW)); /* no directory yet */
    test_left();
    test_life(state);
    test_count_is_kept(state);
    test_sweep(state);
    return EXIT_SUCCESS;
}
