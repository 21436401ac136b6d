/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewals/renewal-query.h"

#include "order-bed.h"
#include "statedir/storage/cache.h"

#define INFO                                                                                       \
    {                                                                                              \
        "dir", 200, "{" CA_DIRECTORY ", 'renewalInfo': '@renewal'}"                                \
    }
#define AT           "renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw"
#define WINDOW(more) "{'suggestedWindow': {'start': '2020-01-01T00:00:00Z', 'end': '#'}" more "}"

/* The certificate is asked about twice. */
static const BedCase cases[] = {
    { "a window",
      { INFO,
        { AT, 200, WINDOW(", 'explanationURL': '@why'"), .retry_after = 7200 },
        { AT, 200, WINDOW("") } },
      "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
      "ask again in 7200 s\n"
      "window of 3600 s from 2020, with a reason\n"
      "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
      "ask again in 21600 s\n"
      "window of 3600 s from 2020\n" },
    { "a window that ends at once",
      { INFO, { AT, 200, "{'suggestedWindow': {'start': '#', 'end': '#'}}" }, { AT, 200, "{}" } },
      "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
      "ask again in 21600 s\n"
      "no window\n"
      "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
      "ask again in 21600 s\n"
      "no window\n" },
    { "often or seldom",
      { INFO,
        { AT, 200, WINDOW(""), .retry_after = 1 },
        { AT, 200, WINDOW(""), .retry_after = 999999 } },
      "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
      "ask again in 60 s\n"
      "window of 3600 s from 2020\n"
      "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
      "ask again in 34560 s\n"
      "window of 3600 s from 2020\n" },
    { "the CA is away",
      { INFO, { AT, 0 }, { AT, 503, "", .retry_after = 1000 } },
      "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
      "ask again in 3600 s\n"
      "no window\n"
      "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
      "ask again in 1000 s\n"
      "no window\n" },
    { "the CA is away after it had a window",
      { INFO, { AT, 200, WINDOW("") }, { AT, 500, "" } },
      "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
      "ask again in 21600 s\n"
      "window of 3600 s from 2020\n"
      "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
      "ask again in 3600 s\n"
      "window of 3600 s from 2020\n" },
    { "the CA forgets the certificate",
      { INFO, { AT, 200, WINDOW("") }, { AT, 404, CA_PROBLEM("malformed") } },
      "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
      "ask again in 21600 s\n"
      "window of 3600 s from 2020\n"
      "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
      "ask again in 21600 s\n"
      "no window\n" },
    { "a CA without renewal information",
      { { 0 } },
      "nothing to ask: 0\n"
      "nothing to ask: 0\n" },
};

static bool is_over;

static void on_reply(const Renewal *renewal, void *userdata)
{
    (void)userdata;
    is_over = true;
    if (renewal)
        trace_add("ask again in %jd s",
                  (intmax_t)(renewal->ask_at ? renewal->ask_at - time(NULL) : 0));
    else
        trace_add("gone");
}

static InventoryRef entry_of(const Bed *b)
{
    _cleanup_(sign_request_done) SignRequest request = bed_request(b);
    InventoryRef entry = { .config = b->config, .storage = request.auth->storage };

    memcpy(entry.key, request.key, sizeof(entry.key));
    return entry;
}

static void show_window(const InventoryRef *entry)
{
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;

    ASSERT_EQ(storage_load_known(entry->storage, entry->key, &chain, &meta), STORAGE_HIT);
    if (meta.window_end)
        trace_add("window of %jd s from 2020%s%s", (intmax_t)(meta.window_end - time(NULL)),
                  meta.window_start == 1577836800 ? "" : "?!",
                  meta.explanation ? ", with a reason" : "");
    else
        trace_add("no window");
}

static void issue(Bed *b)
{
    bed_order(b);
    clock_run(b->event, &b->is_over, now_monotonic() + 3600 * USEC_PER_SEC);
    ASSERT_TRUE(b->is_over);
    bed_drop(b);
    trace_clear();
}

static void run(const BedCase *c)
{
    RenewalQuery *query = NULL;
    InventoryRef entry;
    Bed b;

    bed_open_case(&b, c);
    entry = entry_of(&b);
    ASSERT_EQ(renewal_query_start(b.accounts, &entry, on_reply, NULL, &query),
              0); /* no certificate */
    issue(&b);
    for (int i = 0; i < 2; i++) {
        int r = renewal_query_start(b.accounts, &entry, on_reply, NULL, &query);

        if (r <= 0) {
            trace_add("nothing to ask: %d", r);
            continue;
        }
        is_over = false;
        clock_run(b.event, &is_over, 0);
        ASSERT_TRUE(is_over);
        show_window(&entry);
    }
    b.is_over = true;
    bed_end_case(&b, c);
}

/* Another certificate comes while the CA is asked, or the query is cancelled. */
static void test_meanwhile(void)
{
    static const BedCase c = { "meanwhile",
                               { INFO, { AT, 200, WINDOW("") } },
                               "GET renewal/a2V5IG9mIHRoZSBDQQ.AP4BIw\n"
                               "gone\n"
                               "no window\n",
                               .seconds = 1 };
    RenewalQuery *query = NULL;
    InventoryRef entry;
    Bed b;

    bed_open_case(&b, &c);
    entry = entry_of(&b);
    issue(&b);
    ASSERT_EQ(renewal_query_start(b.accounts, &entry, on_reply, NULL, &query), 1);
    query = renewal_query_free(query);
    ASSERT_FALSE(ca.first);
    ASSERT_EQ(renewal_query_start(b.accounts, &entry, on_reply, NULL, &query), 1);
    {
        _cleanup_(sign_request_done) SignRequest request = bed_request(&b);
        const CachedFrom from = { .server = CA_URL "dir" };
        _cleanup_(chain_freep) Chain *chain = NULL;
        const char *why;
        Renewal renewal;

        ASSERT_OK(chain_parse(b.chains[1], strlen(b.chains[1]), &chain, &why));
        ASSERT_OK(cached_store(entry.storage, &request, chain, &from, &renewal));
    }
    is_over = false;
    clock_run(b.event, &is_over, 0);
    show_window(&entry);
    /* It has expired. */
    clock_skip(91 * 86400);
    ASSERT_EQ(renewal_query_start(b.accounts, &entry, on_reply, NULL, &query), 0);
    b.is_over = true;
    bed_end_case(&b, &c);
}

int main(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        run(&cases[i]);
    test_meanwhile();
    return EXIT_SUCCESS;
}
