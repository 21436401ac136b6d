/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/renewal.h"

#include "make-x509.h"
#include "test.h"

#define DAY 86400L
/* Keys that select the start of a window, its middle, and a time shortly before its end. */
#define FIRST  "00000000"
#define MIDDLE "80000000"
#define LAST   "ffffffff"

static char storage_name[] = "s";
static time_t now;

static Chain *chain_for_days(long from, long to)
{
    _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *pem = make_certificate(key, NULL, from * DAY, to * DAY);
    Chain *chain = NULL;
    const char *reason;

    ASSERT_OK(chain_parse(pem, strlen(pem), &chain, &reason));
    return chain;
}

static Renewal renewal(const Storage *storage, const char *key, const Chain *chain,
                       StorageMeta meta)
{
    return renewal_of(storage, key, chain, &meta);
}

int main(void)
{
    Storage plain = { .name = storage_name, .type = STORAGE_FILE, .renew_within = 14 };
    Storage ahead = { .name = storage_name,
                      .type = STORAGE_FILE,
                      .renew_within = 14,
                      .prefetch = true,
                      .prefetch_forget = 100 };
    _cleanup_(chain_freep) Chain *chain = chain_for_days(-10, 80);
    time_t end = chain_not_after(chain);
    StorageMeta none = { 0 }, window = { 0 }, late;
    Renewal r;

    now = time(NULL);
    none.asked = window.asked = now;
    window.window_start = now + 10 * DAY;
    window.window_end = now + 20 * DAY;
    window.ask_at = now + 5;

    /* Without a window from the CA: renew-within. */
    r = renewal(&plain, MIDDLE, chain, none);
    ASSERT_EQ(r.due, end - 14 * DAY);
    ASSERT_EQ(r.at, 0);
    ASSERT_EQ(r.ask_at, 0);
    ASSERT_EQ(r.not_after, end);

    /* With one, a request starts an order from the start of the window. */
    r = renewal(&plain, LAST, chain, window);
    ASSERT_EQ(r.due, now + 10 * DAY);
    ASSERT_EQ(r.at, 0);
    ASSERT_EQ(r.ask_at, now + 5);

    /* With prefetch: at a time in the window. Requests start an order only after its end. */
    ASSERT_EQ(renewal(&ahead, FIRST, chain, window).at, now + 10 * DAY);
    ASSERT_EQ(renewal(&ahead, MIDDLE, chain, window).at, now + 15 * DAY);
    r = renewal(&ahead, LAST, chain, window);
    ASSERT_TRUE(r.at > now + 19 * DAY && r.at <= now + 20 * DAY);
    ASSERT_EQ(r.due, now + 20 * DAY);
    ASSERT_EQ(renewal(&ahead, FIRST, chain, none).at, end - 14 * DAY);
    ASSERT_EQ(renewal(&ahead, MIDDLE, chain, none).at, end - 14 * DAY + 14 * DAY / 4);
    ASSERT_EQ(renewal(&ahead, MIDDLE, chain, none).due, end - 7 * DAY);

    /* A window ends with the certificate, and is ignored if it starts later. */
    late = window;
    late.window_start = end - 2;
    late.window_end = end + DAY;
    ASSERT_EQ(renewal(&plain, FIRST, chain, late).due, end - 2);
    r = renewal(&ahead, LAST, chain, late);
    ASSERT_TRUE(r.due == end && r.at <= end);
    late.window_start = end;
    ASSERT_EQ(renewal(&plain, FIRST, chain, late).due, end - 14 * DAY);
    ASSERT_EQ(renewal(&ahead, FIRST, chain, late).due, end - 7 * DAY);

    /* Prefetch ends some days after the last request. */
    window.asked = now - 84 * DAY;
    r = renewal(&ahead, MIDDLE, chain, window);
    ASSERT_EQ(r.at, now + 15 * DAY);
    ASSERT_EQ(r.forget_at, now + 16 * DAY);
    window.asked = now - 86 * DAY;
    ASSERT_EQ(renewal(&ahead, MIDDLE, chain, window).at, 0);
    ASSERT_EQ(renewal(&ahead, MIDDLE, chain, window).due, now + 20 * DAY);
    return EXIT_SUCCESS;
}
