/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prefetch.h"

#include "log.h"
#include "policy.h"
#include "storage-meta.h"

struct Prefetch {
    Config *config;
    const Storage *storage;
    char key[STORAGE_KEY_SIZE];
    OrdersWaiter *waiter;
    prefetch_cb callback;
    void *userdata;
};

Prefetch *prefetch_free(Prefetch *prefetch)
{
    if (!prefetch)
        return NULL;
    orders_waiter_cancel(prefetch->waiter);
    config_unref(prefetch->config);
    free(prefetch);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Prefetch *, prefetch_free)

static void on_settled(const Chain *chain, const Failure *failure, void *userdata)
{
    _cleanup_(prefetch_freep) Prefetch *prefetch = userdata;

    prefetch->waiter = NULL;
    prefetch->callback(prefetch, prefetch->storage, prefetch->key, chain ? NULL : failure,
                       prefetch->userdata);
}

/* What the certificate was last asked for by, if that allows it still and has this storage. */
static const AuthBlock *find_auth(const Prefetch *prefetch, const Csr *csr)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    const AuthBlock *auth = NULL;
    StorageMeta meta;
    const char *why;

    if (storage_load(prefetch->storage, prefetch->key, &chain, &why) != STORAGE_HIT ||
        storage_meta_load(prefetch->storage, prefetch->key, chain, &meta) < 0)
        return NULL;
    if (meta.auth)
        auth = config_find_auth(prefetch->config, meta.auth);
    if (auth && (auth->storage != prefetch->storage || !policy_covers(auth, csr)))
        auth = NULL;
    storage_meta_done(&meta);
    return auth;
}

static int order(Prefetch *prefetch, Orders *orders, const char *body, size_t size)
{
    static const OrderAsker asker = { .request_id = PREFETCH_REQUEST_ID, .is_prefetch = true };
    OrderTarget target = { .config = prefetch->config };
    _cleanup_(csr_freep) Csr *csr = NULL;
    const char *why = NULL;
    int r = csr_parse(body, size, &csr, &why);

    if (r < 0)
        return r == -EBADMSG ? 0 : r;
    target.auth = find_auth(prefetch, csr);
    if (!target.auth) {
        log_event(
            LOG_EVENT_NOT_PREFETCHED, NULL,
            "Entry %s of storage \"%s\" is not renewed ahead of requests: the auth block that "
            "it was last asked for by is not there any more, or does not allow it",
            prefetch->key, prefetch->storage->name);
        return 0;
    }
    r = orders_request(orders, &target, body, size, &csr, &asker, on_settled, prefetch,
                       &prefetch->waiter);
    return r < 0 ? r : 1;
}

int prefetch_start(Orders *orders, Config *config, const Storage *storage, const char *key,
                   prefetch_cb callback, void *userdata, Prefetch **ret)
{
    _cleanup_(prefetch_freep) Prefetch *prefetch = calloc(1, sizeof(*prefetch));
    _cleanup_free_ char *body = NULL;
    size_t size;
    int r;

    if (!prefetch)
        return -ENOMEM;
    prefetch->config = config_ref(config);
    prefetch->storage = storage;
    memcpy(prefetch->key, key, STORAGE_KEY_SIZE);
    prefetch->callback = callback;
    prefetch->userdata = userdata;
    r = storage_request(storage, key, &body, &size);
    if (r < 0)
        return r == -ENOENT || r == -EBADMSG ? 0 : r;
    r = order(prefetch, orders, body, size);
    if (r > 0)
        *ret = TAKE_PTR(prefetch);
    return r;
}
