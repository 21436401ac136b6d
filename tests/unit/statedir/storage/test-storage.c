/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/storage.h"

#include "cache-entry.h"

static void test_store(void)
{
    _cleanup_(cache_entry_done) CacheEntry e;

    cache_entry_init(&e);
    cache_entry_store(&e, 90);
    ASSERT_EQ(test_mode(e.path, "."), 0750);
    ASSERT_EQ(test_mode(e.path, ".."), 0750);
    ASSERT_EQ(test_mode(e.path, "csr.pem"), 0640);
    ASSERT_EQ(test_mode(e.path, "cert.pem"), 0640);

    /* A later write removes the temporary file of a crash. */
    test_write(e.path, ".tmp-0123", "half");
    cache_entry_store(&e, 13);
    ASSERT_FALSE(test_exists(e.path, ".tmp-0123"));
}

static void test_prepare(void)
{
    _cleanup_(cache_entry_done) CacheEntry e;
    Storage none = { .type = STORAGE_NONE };

    cache_entry_init(&e);
    ASSERT_OK(storage_prepare(&none, &e.request));
    ASSERT_OK(storage_prepare(&e.storage, &e.request));
    ASSERT_TRUE(test_exists(e.path, "csr.pem"));
    assert_miss(&e);
}

static void test_request(void)
{
    _cleanup_(sign_request_done) SignRequest request = { 0 };
    _cleanup_(cache_entry_done) CacheEntry e;

    cache_entry_init(&e);
    ASSERT_EQ(storage_request(&e.storage, e.request.key, &request), -ENOENT);
    cache_entry_store(&e, 90);
    ASSERT_OK(storage_request(&e.storage, e.request.key, &request));
    ASSERT_STREQ(request.key, e.request.key);
    ASSERT_EQ(request.size, e.request.size);
    ASSERT_EQ(memcmp(request.body, e.body, request.size), 0);
    ASSERT_TRUE(!request.csr && !request.auth);
    sign_request_done(&request);
    test_write(e.path, "csr.pem", "another request");
    ASSERT_EQ(storage_request(&e.storage, e.request.key, &request), -EBADMSG);
}

static void test_drop(void)
{
    _cleanup_(cache_entry_done) CacheEntry e;
    char key[STORAGE_KEY_SIZE];
    Chain *chain = NULL;
    const char *why;

    cache_entry_init(&e);
    ASSERT_OK(storage_key(e.body, strlen(e.body), key));
    ASSERT_OK(storage_drop(&e.storage, key));
    ASSERT_EQ(storage_load(&e.storage, key, &chain, &why), STORAGE_MISS);
    cache_entry_store(&e, 90);
    ASSERT_EQ(storage_load(&e.storage, key, &chain, &why), STORAGE_HIT);
    chain_free(chain);

    ASSERT_OK(storage_drop(&e.storage, key));
    ASSERT_FALSE(test_exists(e.path, "cert.pem"));
    ASSERT_TRUE(test_exists(e.path, "csr.pem"));
    assert_miss(&e);
    ASSERT_OK(storage_drop(&e.storage, key));
    cache_entry_store(&e, 90);
    ASSERT_EQ(cache_entry_lookup(&e, &chain, &why), STORAGE_HIT);
    chain_free(chain);
}

int main(void)
{
    test_store();
    test_prepare();
    test_request();
    test_drop();
    return 0;
}
