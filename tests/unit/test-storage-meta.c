/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage-meta.h"

#include "make-x509.h"
#include "test-directory.h"
#include "test.h"

#define DAY  86400L
#define BODY "the request"

static char server[] = "https://ca.example/dir", auth[] = "web \"servers\"",
            explanation[] = "https://ca.example/why";

typedef struct Fixture {
    char *directory;
    char *entry;
    char key[STORAGE_KEY_SIZE];
    Storage storage;
    Chain *chain;
} Fixture;

static Chain *make_chain(void)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *pem = make_certificate(key, "DNS:a.example", 0, 90 * DAY);
    const char *reason;
    Chain *chain;

    ASSERT_OK(chain_parse(pem, strlen(pem), &chain, &reason));
    return chain;
}

static void fixture_init(Fixture *f)
{
    *f = (Fixture){ .directory = test_directory_new(), .chain = make_chain() };
    f->storage = (Storage){ .type = STORAGE_FILE, .directory = f->directory };
    storage_key(BODY, strlen(BODY), f->key);
    ASSERT_TRUE(asprintf(&f->entry, "%s/%.2s/%s", f->directory, f->key, f->key + 2) > 0);
    ASSERT_OK(storage_store(&f->storage, BODY, strlen(BODY), f->chain));
}

static void fixture_done(Fixture *f)
{
    test_directory_freep(&f->directory);
    free(f->entry);
    chain_free(f->chain);
}

static StorageMeta example(void)
{
    return (StorageMeta){
        .server = server,
        .auth = auth,
        .asked = 1795600000,
        .window_start = 1796000000,
        .window_end = 1796100000,
        .explanation = explanation,
        .ask_at = 1795700000,
    };
}

/* Nothing is known, and a client asked when the certificate came. */
static void assert_none(const Fixture *f, const Chain *chain)
{
    StorageMeta meta;

    storage_meta_load(&f->storage, f->key, chain, &meta);
    ASSERT_TRUE(!meta.server && !meta.auth && !meta.explanation);
    ASSERT_TRUE(meta.window_start == 0 && meta.window_end == 0 && meta.ask_at == 0);
    ASSERT_TRUE(labs(time(NULL) - meta.asked) < 60);
}

static void test_life(void)
{
    const StorageMeta empty = { 0 }, meta = example();
    _cleanup_(fixture_done) Fixture f;
    StorageMeta read;

    fixture_init(&f);
    assert_none(&f, f.chain);
    ASSERT_OK(storage_meta_save(&f.storage, f.key, f.chain, &meta));
    ASSERT_EQ(test_mode(f.entry, "meta.json"), 0640);
    storage_meta_load(&f.storage, f.key, f.chain, &read);
    ASSERT_STREQ(read.server, server);
    ASSERT_STREQ(read.auth, auth);
    ASSERT_STREQ(read.explanation, explanation);
    ASSERT_EQ(read.asked, meta.asked);
    ASSERT_EQ(read.window_start, meta.window_start);
    ASSERT_EQ(read.window_end, meta.window_end);
    ASSERT_EQ(read.ask_at, meta.ask_at);
    storage_meta_done(&read);

    ASSERT_OK(storage_meta_save(&f.storage, f.key, f.chain, &empty));
    assert_none(&f, f.chain);

    /* It goes with the certificate. */
    ASSERT_OK(storage_drop(&f.storage, f.key));
    ASSERT_FALSE(test_exists(f.entry, "meta.json"));
    storage_meta_load(&f.storage, f.key, f.chain, &read);
    ASSERT_EQ(read.asked, 0);
}

/* One that was left behind by another certificate is none. */
static void test_of_another(void)
{
    const StorageMeta meta = example();
    _cleanup_(fixture_done) Fixture f;
    _cleanup_(chain_freep) Chain *next = make_chain();

    fixture_init(&f);
    ASSERT_OK(storage_meta_save(&f.storage, f.key, f.chain, &meta));
    assert_none(&f, next);
}

static void write_meta(const Fixture *f, const char *version, const char *members)
{
    char fingerprint[CHAIN_FINGERPRINT_SIZE];
    _cleanup_free_ char *text = NULL;

    chain_fingerprint(f->chain, fingerprint);
    ASSERT_TRUE(asprintf(&text, "{\"version\": %s, \"certificate\": \"%s\"%s}", version,
                         fingerprint, members) > 0);
    test_write(f->entry, "meta.json", text);
}

static void test_damaged(void)
{
    static const char *const members[] = {
        ", \"server\": 1, \"auth\": [], \"asked\": \"soon\", \"askAt\": 7, \"window\": 3",
        ", \"window\": {\"start\": \"2026-12-01T04:00:00Z\"}",
        ", \"window\": {\"end\": \"2026-12-01T04:00:00Z\"}",
        ", \"window\": {\"start\": \"2026-12-01T04:00:00Z\", \"end\": \"2026-12-01T04:00:00Z\"}",
        ", \"unknown\": {\"to\": \"this version\"}",
    };
    static const char *const texts[] = { "", "{", "[]", "{\"version\": 1}" };
    _cleanup_free_ char *long_member = NULL, *huge = NULL;
    _cleanup_(fixture_done) Fixture f;

    fixture_init(&f);
    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        test_write(f.entry, "meta.json", texts[i]);
        assert_none(&f, f.chain);
    }
    for (size_t i = 0; i < ELEMENTSOF(members); i++) {
        write_meta(&f, "1", members[i]);
        assert_none(&f, f.chain);
    }
    write_meta(&f, "2", ", \"server\": \"https://ca.example/dir\"");
    assert_none(&f, f.chain);
    ASSERT_TRUE(asprintf(&long_member, ", \"auth\": \"%01001d\"", 0) > 0);
    write_meta(&f, "1", long_member);
    assert_none(&f, f.chain);
    ASSERT_TRUE(asprintf(&huge, ", \"server\": \"s\", \"x\": \"%016384d\"", 0) > 0);
    write_meta(&f, "1", huge);
    assert_none(&f, f.chain);
}

static void test_no_storage(void)
{
    const Storage none = { .type = STORAGE_NONE };
    _cleanup_(chain_freep) Chain *chain = make_chain();
    StorageMeta meta = example(), read;
    char key[STORAGE_KEY_SIZE];

    storage_key(BODY, strlen(BODY), key);
    ASSERT_OK(storage_meta_save(&none, key, chain, &meta));
    storage_meta_load(&none, key, chain, &read);
    ASSERT_TRUE(!read.server && read.asked == 0);
}

int main(void)
{
    test_life();
    test_of_another();
    test_damaged();
    test_no_storage();
    return EXIT_SUCCESS;
}
