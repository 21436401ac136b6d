/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders/cached.h"

#include "log/log.h"

/* The CA may need a moment before it knows of a new certificate, s. */
#define ASK_SOON 10

char *cached_renewal_id(const Storage *storage, const char *key, const char *server)
{
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;

    if (storage_load_known(storage, key, &chain, &meta) != STORAGE_HIT || !meta.server ||
        !streq(meta.server, server) || !chain_is_alive(chain, time(NULL)))
        return NULL;
    return chain_renewal_id(chain);
}

/* When a client last asked for the one that is there; 0: there is none. */
static time_t last_asked(const Storage *storage, const char *key)
{
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;

    return storage_load_known(storage, key, &chain, &meta) == STORAGE_HIT ? meta.asked : 0;
}

int cached_store(const Storage *storage, const void *body, size_t size, const Chain *chain,
                 const CachedFrom *from, Renewal *ret)
{
    /* Not written to. */
    StorageMeta meta = { .server = (char *)(uintptr_t)from->server,
                         .account = (char *)(uintptr_t)from->account,
                         .auth = (char *)(uintptr_t)from->auth,
                         .asked = from->asked,
                         .ask_at = time(NULL) + ASK_SOON };
    char key[STORAGE_KEY_SIZE];
    int r;

    storage_key(body, size, key);
    if (meta.asked == 0)
        meta.asked = last_asked(storage, key);
    if (meta.asked == 0)
        meta.asked = time(NULL);
    r = storage_store(storage, body, size, chain);
    if (r < 0)
        return r;
    r = storage_meta_save(storage, key, chain, &meta);
    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "What is known of entry %s of storage \"%s\" cannot be written: %m", key,
                        storage->name);
    *ret = renewal_of(storage, key, chain, &meta);
    return 0;
}
