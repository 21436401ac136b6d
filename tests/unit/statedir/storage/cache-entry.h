/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A storage in a directory of its own, and a request for an entry in it. */

#include "make-x509.h"
#include "statedir/storage/cache.h"
#include "test-directory.h"
#include "test.h"

#define DAY 86400L

typedef struct CacheEntry {
    char *directory; /* of the storage */
    char *path;      /* of the entry */
    Storage storage;
    EVP_PKEY *key;
    char *body;
    SignRequest request;
} CacheEntry;

static inline void cache_entry_init(CacheEntry *e)
{
    const char *reason, *hash;

    *e = (CacheEntry){ .directory = test_directory_new() };
    e->storage = (Storage){ .type = STORAGE_FILE, .directory = e->directory, .renew_within = 14 };
    e->key = make_key("P-256");
    e->body = make_request(e->key, NULL, "DNS:a.example");
    ASSERT_OK(sign_request_init(&e->request, e->body, strlen(e->body)));
    ASSERT_OK(sign_request_parse(&e->request, &reason));
    hash = e->request.key;
    ASSERT_TRUE(asprintf(&e->path, "%s/%.2s/%s", e->directory, hash, hash + 2) > 0);
}

static inline void cache_entry_done(CacheEntry *e)
{
    test_directory_freep(&e->directory);
    free(e->path);
    free(e->body);
    sign_request_done(&e->request);
    EVP_PKEY_free(e->key);
}

/* Stores a certificate that is valid for so many days from now. */
static inline void cache_entry_store(const CacheEntry *e, long days)
{
    _cleanup_free_ char *pem = make_certificate(e->key, "DNS:a.example", -90 * DAY, days * DAY);
    _cleanup_(chain_freep) Chain *chain = NULL;
    const char *reason;

    ASSERT_OK(chain_parse(pem, strlen(pem), &chain, &reason));
    ASSERT_OK(storage_store(&e->storage, &e->request, chain));
}

static inline int cache_entry_lookup(const CacheEntry *e, Chain **ret, const char **ret_why)
{
    return storage_lookup(&e->storage, &e->request, ret, ret_why);
}

static inline void assert_miss(const CacheEntry *e)
{
    const char *why = NULL;
    Chain *chain = NULL;

    ASSERT_EQ(cache_entry_lookup(e, &chain, &why), STORAGE_MISS);
    ASSERT_TRUE(!chain && !why);
}
