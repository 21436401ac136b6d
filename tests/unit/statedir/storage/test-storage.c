/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/cache.h"

#include "make-x509.h"
#include "test-directory.h"
#include "test.h"

#define DAY 86400L

/* An entry to be spoilt. */
typedef struct Fixture {
    char *directory; /* of the storage */
    char *entry;
    Storage storage;
    EVP_PKEY *key;
    char *body;
    SignRequest request;
} Fixture;

static void fixture_init(Fixture *f)
{
    const char *reason, *hash;

    *f = (Fixture){ .directory = test_directory_new() };
    f->storage = (Storage){ .type = STORAGE_FILE, .directory = f->directory, .renew_within = 14 };
    f->key = make_key("P-256");
    f->body = make_request(f->key, NULL, "DNS:a.example");
    ASSERT_OK(sign_request_init(&f->request, f->body, strlen(f->body)));
    ASSERT_OK(sign_request_parse(&f->request, &reason));
    hash = f->request.key;
    ASSERT_TRUE(asprintf(&f->entry, "%s/%.2s/%s", f->directory, hash, hash + 2) > 0);
}

static void fixture_done(Fixture *f)
{
    test_directory_freep(&f->directory);
    free(f->entry);
    free(f->body);
    sign_request_done(&f->request);
    EVP_PKEY_free(f->key);
}

static Chain *chain_of(const char *pem)
{
    const char *reason;
    Chain *chain = NULL;

    ASSERT_OK(chain_parse(pem, strlen(pem), &chain, &reason));
    return chain;
}

static void store(const Fixture *f, long days)
{
    _cleanup_free_ char *pem = make_certificate(f->key, "DNS:a.example", -90 * DAY, days * DAY);
    _cleanup_(chain_freep) Chain *chain = chain_of(pem);

    ASSERT_OK(storage_store(&f->storage, &f->request, chain));
}

static int lookup(const Fixture *f, Chain **ret, const char **ret_why)
{
    return storage_lookup(&f->storage, &f->request, ret, ret_why);
}

static void assert_damaged(const Fixture *f, const char *words)
{
    const char *why = NULL;
    Chain *chain = NULL;

    ASSERT_EQ(lookup(f, &chain, &why), STORAGE_DAMAGED);
    ASSERT_TRUE(!chain);
    if (!why || !strstr(why, words)) {
        fprintf(stderr, "expected '%s' in: %s\n", words, why ? why : "(null)");
        exit(EXIT_FAILURE);
    }
}

static void assert_miss(const Fixture *f)
{
    const char *why = NULL;
    Chain *chain = NULL;

    ASSERT_EQ(lookup(f, &chain, &why), STORAGE_MISS);
    ASSERT_TRUE(!chain && !why);
}

static void test_key(void)
{
    char key[STORAGE_KEY_SIZE];

    /* FIPS 180-4, "abc" */
    ASSERT_OK(storage_key("abc", 3, key));
    ASSERT_STREQ(key, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                      "8086072ba1e7cc2358baeca134c825a7");
    ASSERT_OK(storage_key("", 0, key));
    ASSERT_EQ(strncmp(key, "38b060a751ac9638", 16), 0);
    ASSERT_EQ(storage_key_dice(key), 0x38b060a7);
    ASSERT_TRUE(storage_is_key(key));
    key[0] = '/';
    ASSERT_FALSE(storage_is_key(key));
    key[0] = 'A';
    ASSERT_FALSE(storage_is_key(key));
    ASSERT_FALSE(storage_is_key(key + 1));
}

static void test_life(void)
{
    _cleanup_free_ char *pem = NULL, *stored = NULL;
    _cleanup_(fixture_done) Fixture f;
    Chain *chain = NULL;
    const char *why;
    size_t size;

    fixture_init(&f);
    assert_miss(&f);
    store(&f, 90);
    ASSERT_EQ(test_mode(f.entry, "."), 0750);
    ASSERT_EQ(test_mode(f.entry, ".."), 0750);
    ASSERT_EQ(test_mode(f.entry, "csr.pem"), 0640);
    ASSERT_EQ(test_mode(f.entry, "cert.pem"), 0640);
    ASSERT_EQ(lookup(&f, &chain, &why), STORAGE_HIT);
    ASSERT_OK(chain_format(chain, &pem, &size));
    chain = chain_free(chain);

    /* Replaced by the next, which sweeps up what a crash left. */
    test_write(f.entry, ".tmp-0123", "half");
    store(&f, 13);
    ASSERT_FALSE(test_exists(f.entry, ".tmp-0123"));
    ASSERT_EQ(lookup(&f, &chain, &why), STORAGE_OUTDATED);
    ASSERT_OK(chain_format(chain, &stored, &size));
    ASSERT_FALSE(streq(pem, stored));
    chain = chain_free(chain);

    store(&f, 0);
    ASSERT_EQ(lookup(&f, &chain, &why), STORAGE_OUTDATED);
    chain_free(chain);
}

static void test_drop(void)
{
    _cleanup_(fixture_done) Fixture f;
    char key[STORAGE_KEY_SIZE];
    Chain *chain = NULL;
    const char *why;

    fixture_init(&f);
    ASSERT_OK(storage_key(f.body, strlen(f.body), key));
    ASSERT_OK(storage_drop(&f.storage, key));
    ASSERT_EQ(storage_load(&f.storage, key, &chain, &why), STORAGE_MISS);
    store(&f, 90);
    ASSERT_EQ(storage_load(&f.storage, key, &chain, &why), STORAGE_HIT);
    chain_free(chain);

    ASSERT_OK(storage_drop(&f.storage, key));
    ASSERT_FALSE(test_exists(f.entry, "cert.pem"));
    ASSERT_TRUE(test_exists(f.entry, "csr.pem"));
    assert_miss(&f);
    ASSERT_OK(storage_drop(&f.storage, key));
    store(&f, 90);
    ASSERT_EQ(lookup(&f, &chain, &why), STORAGE_HIT);
    chain_free(chain);
}

static void test_none(void)
{
    Storage none = { .type = STORAGE_NONE };
    _cleanup_(fixture_done) Fixture f;

    fixture_init(&f);
    f.storage = none;
    store(&f, 90);
    assert_miss(&f);
}

/* As the Python server leaves it: its own blank lines. */
static void test_foreign_layout(void)
{
    _cleanup_free_ char *leaf = NULL, *pem = NULL, *expected = NULL, *formatted = NULL;
    _cleanup_(chain_freep) Chain *chain = NULL;
    _cleanup_(fixture_done) Fixture f;
    const char *why;
    size_t size;

    fixture_init(&f);
    store(&f, 90);
    leaf = make_certificate(f.key, "DNS:a.example", 0, 90 * DAY);
    pem = join(leaf, "\n\n\n", leaf);
    test_write(f.entry, "cert.pem", pem);
    ASSERT_EQ(lookup(&f, &chain, &why), STORAGE_HIT);
    expected = join(leaf, "\n", leaf);
    ASSERT_OK(chain_format(chain, &formatted, &size));
    ASSERT_STREQ(formatted, expected);
}

static void remove_from(const Fixture *f, const char *name)
{
    _cleanup_free_ char *path = test_path(f->entry, name);

    ASSERT_OK(unlink(path));
}

static void test_damaged_request(void)
{
    _cleanup_free_ char *longer = NULL, *link = NULL, *elsewhere = NULL;
    _cleanup_(fixture_done) Fixture f;

    fixture_init(&f);
    store(&f, 90);
    test_write(f.entry, "csr.pem", "");
    assert_damaged(&f, "not the request");
    longer = join(f.body, "\n", "");
    test_write(f.entry, "csr.pem", longer);
    assert_damaged(&f, "larger");
    longer[0] = '+';
    longer[strlen(f.body)] = '\0';
    test_write(f.entry, "csr.pem", longer);
    assert_damaged(&f, "not the request");
    remove_from(&f, "csr.pem");
    assert_damaged(&f, "missing");

    link = test_path(f.entry, "csr.pem");
    test_write(f.directory, "elsewhere", f.body);
    elsewhere = test_path(f.directory, "elsewhere");
    ASSERT_OK(symlink(elsewhere, link));
    assert_damaged(&f, "regular file");
}

static void test_damaged_certificate(void)
{
    _cleanup_free_ char *pem = NULL, *other_names = NULL, *other_key = NULL, *huge = NULL;
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_(fixture_done) Fixture f;
    Chain *chain = NULL;
    const char *why;

    fixture_init(&f);
    store(&f, 90);
    test_write(f.entry, "cert.pem", "");
    assert_damaged(&f, "no certificate");
    test_write(f.entry, "cert.pem", "words");
    assert_damaged(&f, "no certificate");
    test_write(f.entry, "cert.pem", f.body);
    assert_damaged(&f, "not a certificate");
    pem = make_certificate(f.key, "DNS:a.example", 0, 90 * DAY);
    pem[strlen(pem) / 2] = '\0';
    test_write(f.entry, "cert.pem", pem);
    assert_damaged(&f, "PEM");
    other_names = make_certificate(f.key, "DNS:b.example", 0, 90 * DAY);
    test_write(f.entry, "cert.pem", other_names);
    assert_damaged(&f, "not requested");
    other_key = make_certificate(key, "DNS:a.example", 0, 90 * DAY);
    test_write(f.entry, "cert.pem", other_key);
    assert_damaged(&f, "a different key");
    huge = calloc(1, CHAIN_SIZE_MAX + 2);
    memset(huge, '\n', CHAIN_SIZE_MAX + 1);
    test_write(f.entry, "cert.pem", huge);
    assert_damaged(&f, "larger");

    remove_from(&f, "cert.pem");
    assert_miss(&f);
    remove_from(&f, "csr.pem");
    assert_miss(&f);

    /* The next certificate heals it. */
    test_write(f.entry, "cert.pem", "words");
    store(&f, 90);
    ASSERT_EQ(lookup(&f, &chain, &why), STORAGE_HIT);
    chain_free(chain);
}

static void test_something_in_the_way(void)
{
    _cleanup_(fixture_done) Fixture f;

    fixture_init(&f);
    store(&f, 90);
    remove_from(&f, "cert.pem");
    remove_from(&f, "csr.pem");
    ASSERT_OK(rmdir(f.entry));
    test_write("/", f.entry, "a file");
    assert_damaged(&f, "in place of");
}

int main(void)
{
    test_key();
    test_life();
    test_drop();
    test_none();
    test_foreign_layout();
    test_damaged_request();
    test_damaged_certificate();
    test_something_in_the_way();
    return 0;
}
