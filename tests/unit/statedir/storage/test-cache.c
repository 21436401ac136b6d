/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/cache.h"

#include "cache-entry.h"

static void assert_damaged(const CacheEntry *e, const char *words)
{
    const char *why = NULL;
    Chain *chain = NULL;

    ASSERT_EQ(cache_entry_lookup(e, &chain, &why), STORAGE_DAMAGED);
    ASSERT_TRUE(!chain);
    if (!why || !strstr(why, words)) {
        fprintf(stderr, "expected '%s' in: %s\n", words, why ? why : "(null)");
        exit(EXIT_FAILURE);
    }
}

static void test_life(void)
{
    _cleanup_free_ char *pem = NULL, *stored = NULL;
    _cleanup_(cache_entry_done) CacheEntry e;
    Chain *chain = NULL;
    const char *why;
    size_t size;

    cache_entry_init(&e);
    assert_miss(&e);
    cache_entry_store(&e, 90);
    ASSERT_EQ(cache_entry_lookup(&e, &chain, &why), STORAGE_HIT);
    ASSERT_OK(chain_format(chain, &pem, &size));
    chain = chain_free(chain);

    /* The next certificate replaces it. */
    cache_entry_store(&e, 13);
    ASSERT_EQ(cache_entry_lookup(&e, &chain, &why), STORAGE_OUTDATED);
    ASSERT_OK(chain_format(chain, &stored, &size));
    ASSERT_FALSE(streq(pem, stored));
    chain = chain_free(chain);

    cache_entry_store(&e, 0);
    ASSERT_EQ(cache_entry_lookup(&e, &chain, &why), STORAGE_OUTDATED);
    chain_free(chain);
}

static void test_none(void)
{
    Storage none = { .type = STORAGE_NONE };
    _cleanup_(cache_entry_done) CacheEntry e;

    cache_entry_init(&e);
    e.storage = none;
    cache_entry_store(&e, 90);
    assert_miss(&e);
}

/* The Python server writes other blank lines. */
static void test_foreign_layout(void)
{
    _cleanup_free_ char *leaf = NULL, *pem = NULL, *expected = NULL, *formatted = NULL;
    _cleanup_(chain_freep) Chain *chain = NULL;
    _cleanup_(cache_entry_done) CacheEntry e;
    const char *why;
    size_t size;

    cache_entry_init(&e);
    cache_entry_store(&e, 90);
    leaf = make_certificate(e.key, "DNS:a.example", 0, 90 * DAY);
    pem = join(leaf, "\n\n\n", leaf);
    test_write(e.path, "cert.pem", pem);
    ASSERT_EQ(cache_entry_lookup(&e, &chain, &why), STORAGE_HIT);
    expected = join(leaf, "\n", leaf);
    ASSERT_OK(chain_format(chain, &formatted, &size));
    ASSERT_STREQ(formatted, expected);
}

static void remove_from(const CacheEntry *e, const char *name)
{
    _cleanup_free_ char *path = test_path(e->path, name);

    ASSERT_OK(unlink(path));
}

static void test_damaged_request(void)
{
    _cleanup_free_ char *longer = NULL, *link = NULL, *elsewhere = NULL;
    _cleanup_(cache_entry_done) CacheEntry e;

    cache_entry_init(&e);
    cache_entry_store(&e, 90);
    test_write(e.path, "csr.pem", "");
    assert_damaged(&e, "differs from the request");
    longer = join(e.body, "\n", "");
    test_write(e.path, "csr.pem", longer);
    assert_damaged(&e, "larger");
    longer[0] = '+';
    longer[strlen(e.body)] = '\0';
    test_write(e.path, "csr.pem", longer);
    assert_damaged(&e, "differs from the request");
    remove_from(&e, "csr.pem");
    assert_damaged(&e, "missing");

    link = test_path(e.path, "csr.pem");
    test_write(e.directory, "elsewhere", e.body);
    elsewhere = test_path(e.directory, "elsewhere");
    ASSERT_OK(symlink(elsewhere, link));
    assert_damaged(&e, "regular file");
}

static void test_damaged_certificate(void)
{
    _cleanup_free_ char *pem = NULL, *other_names = NULL, *other_key = NULL, *huge = NULL;
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_(cache_entry_done) CacheEntry e;
    Chain *chain = NULL;
    const char *why;

    cache_entry_init(&e);
    cache_entry_store(&e, 90);
    test_write(e.path, "cert.pem", "");
    assert_damaged(&e, "no certificate");
    test_write(e.path, "cert.pem", "words");
    assert_damaged(&e, "no certificate");
    test_write(e.path, "cert.pem", e.body);
    assert_damaged(&e, "not a certificate");
    pem = make_certificate(e.key, "DNS:a.example", 0, 90 * DAY);
    pem[strlen(pem) / 2] = '\0';
    test_write(e.path, "cert.pem", pem);
    assert_damaged(&e, "PEM");
    other_names = make_certificate(e.key, "DNS:b.example", 0, 90 * DAY);
    test_write(e.path, "cert.pem", other_names);
    assert_damaged(&e, "lacks a requested name");
    other_key = make_certificate(key, "DNS:a.example", 0, 90 * DAY);
    test_write(e.path, "cert.pem", other_key);
    assert_damaged(&e, "a different key");
    huge = calloc(1, CHAIN_SIZE_MAX + 2);
    memset(huge, '\n', CHAIN_SIZE_MAX + 1);
    test_write(e.path, "cert.pem", huge);
    assert_damaged(&e, "larger");

    remove_from(&e, "cert.pem");
    assert_miss(&e);
    remove_from(&e, "csr.pem");
    assert_miss(&e);

    /* The next certificate replaces a damaged one. */
    test_write(e.path, "cert.pem", "words");
    cache_entry_store(&e, 90);
    ASSERT_EQ(cache_entry_lookup(&e, &chain, &why), STORAGE_HIT);
    chain_free(chain);
}

static void test_no_directory(void)
{
    _cleanup_(cache_entry_done) CacheEntry e;

    cache_entry_init(&e);
    cache_entry_store(&e, 90);
    remove_from(&e, "cert.pem");
    remove_from(&e, "csr.pem");
    ASSERT_OK(rmdir(e.path));
    test_write("/", e.path, "a file");
    assert_damaged(&e, "not a directory");
}

int main(void)
{
    test_life();
    test_none();
    test_foreign_layout();
    test_damaged_request();
    test_damaged_certificate();
    test_no_directory();
    return 0;
}
