/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewal-times.h"

#include "make-x509.h"
#include "test.h"

#define DAY 86400L

static const Storage storage = { .type = STORAGE_FILE, .renew_within = 14 };

static Chain *make_chain(void)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *pem = make_certificate(key, "DNS:a.example", 0, 90 * DAY);
    const char *reason;
    Chain *chain;

    ASSERT_OK(chain_parse(pem, strlen(pem), &chain, &reason));
    return chain;
}

static void test_by_configuration(const Chain *chain)
{
    time_t end = chain_not_after(chain);
    const StorageMeta meta = { 0 };
    RenewalTimes times;

    renewal_times(&storage, chain, &meta, &times);
    ASSERT_EQ(times.begin, end - 14 * DAY);
    ASSERT_EQ(times.end, end - 7 * DAY);
    ASSERT_EQ(times.due, times.begin);
}

static void test_by_ca(const Chain *chain)
{
    time_t end = chain_not_after(chain);
    RenewalTimes times;
    StorageMeta meta = { .window_start = end - 30 * DAY, .window_end = end - 28 * DAY };

    renewal_times(&storage, chain, &meta, &times);
    ASSERT_EQ(times.begin, end - 30 * DAY);
    ASSERT_EQ(times.end, end - 28 * DAY);
    ASSERT_EQ(times.due, times.begin);

    /* As for one that is about to be revoked: long ago. */
    meta = (StorageMeta){ .window_start = end - 900 * DAY, .window_end = end - 800 * DAY };
    renewal_times(&storage, chain, &meta, &times);
    ASSERT_EQ(times.due, end - 900 * DAY);

    /* Nobody renews what is over. */
    meta = (StorageMeta){ .window_start = end - DAY, .window_end = end + DAY };
    renewal_times(&storage, chain, &meta, &times);
    ASSERT_EQ(times.begin, end - DAY);
    ASSERT_EQ(times.end, end);
    meta = (StorageMeta){ .window_start = end, .window_end = end + DAY };
    renewal_times(&storage, chain, &meta, &times);
    ASSERT_EQ(times.begin, end - 14 * DAY);
}

int main(void)
{
    _cleanup_(chain_freep) Chain *chain = make_chain();

    test_by_configuration(chain);
    test_by_ca(chain);
    return EXIT_SUCCESS;
}
