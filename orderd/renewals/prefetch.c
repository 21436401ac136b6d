/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewals/prefetch.h"

#include "limits/revoked-keys.h"
#include "log/log.h"
#include "policy/policy.h"
#include "statedir/storage/cache.h"
#include "strings/strv.h"

struct Prefetch {
    const InventoryRef *entry;
    OrdersWaiter *waiter;
    prefetch_cb callback;
    void *userdata;
};

Prefetch *prefetch_free(Prefetch *prefetch)
{
    if (!prefetch)
        return NULL;
    orders_waiter_cancel(prefetch->waiter);
    free(prefetch);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Prefetch *, prefetch_free)

static void prefetch_on_settled(const Chain *chain, const Failure *failure, void *userdata)
{
    _cleanup_(prefetch_freep) Prefetch *prefetch = userdata;

    prefetch->waiter = NULL;
    prefetch->callback(chain ? NULL : failure, prefetch->userdata);
}

static bool may_renew(const AuthBlock *auth, const Storage *storage, const Csr *csr)
{
    return auth->storage == storage && policy_covers(auth, csr);
}

/* The auth block of the last request for the certificate, or, if that is not known, the first block
 * that permits it. NULL: none permits it any more. */
static const AuthBlock *prefetch_auth(const Prefetch *prefetch, const StorageMeta *meta,
                                      const Csr *csr)
{
    const Config *config = prefetch->entry->config;
    const AuthBlock *named = meta->auth ? config_find_auth(config, meta->auth) : NULL;

    if (meta->auth)
        return named && may_renew(named, prefetch->entry->storage, csr) ? named : NULL;
    for (size_t i = 0; i < config->n_auth; i++)
        if (may_renew(config->auth[i], prefetch->entry->storage, csr))
            return config->auth[i];
    return NULL;
}

static void prefetch_log_refused(const Prefetch *prefetch, const Csr *csr, const char *why)
{
    _cleanup_strv_ char **names = csr_identifiers(csr);
    _cleanup_free_ char *joined = strv_join(names, " ");
    _cleanup_log_fields_ LogFields fields = { 0 };

    log_fields_add(&fields, LOG_FIELD_CSR, prefetch->entry->key);
    log_fields_add_all(&fields, LOG_FIELD_NAME, names);
    log_event(LOG_EVENT_NOT_PREFETCHED, &fields,
              "The certificate for %s in storage \"%s\" is not renewed ahead of requests: %s",
              str_or(joined, "?"), prefetch->entry->storage->name, why);
}

static int prefetch_order(Prefetch *prefetch, Orders *orders, const StorageMeta *meta,
                          SignRequest *request, Failure *ret_failure)
{
    const OrdersCall call = {
        .caller = { .request_id = PREFETCH_REQUEST_ID, .is_prefetch = true },
        .callback = prefetch_on_settled,
        .userdata = prefetch,
    };
    Failure failure = { 0 };
    const char *why = NULL;
    int r = sign_request_parse(request, &why);

    if (r < 0)
        return r == -EBADMSG ? 0 : r;
    if (!revoked_keys_allow(prefetch->entry->config->state_directory, request->csr, &failure)) {
        prefetch_log_refused(prefetch, request->csr, str_or(failure.reason, "out of memory"));
        failure_done(&failure);
        return 0;
    }
    request->auth = prefetch_auth(prefetch, meta, request->csr);
    if (!request->auth) {
        prefetch_log_refused(
            prefetch, request->csr,
            "the auth block of its last request was removed or no longer permits it");
        return 0;
    }
    r = orders_request(orders, prefetch->entry->config, request, &call, &prefetch->waiter,
                       ret_failure);
    return r < 0 ? r : 1;
}

/* Reads the metadata and the request of the entry. 1; 0: it lacks its certificate or its request,
 * as after acmemsctl revoke; -errno. */
static int read_entry(const InventoryRef *entry, StorageMeta *ret, SignRequest *ret_request)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    int r = storage_load_known(entry->storage, entry->key, &chain, ret);

    if (r != STORAGE_HIT)
        return r < 0 ? r : 0;
    r = storage_request(entry->storage, entry->key, ret_request);
    if (r == -ENOENT || r == -EBADMSG)
        return 0;
    return r < 0 ? r : 1;
}

int prefetch_start(Orders *orders, const InventoryRef *entry, prefetch_cb callback, void *userdata,
                   Prefetch **ret, Failure *failure)
{
    _cleanup_(prefetch_freep) Prefetch *prefetch = calloc(1, sizeof(*prefetch));
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    _cleanup_(sign_request_done) SignRequest request = { 0 };
    int r;

    if (!prefetch)
        return -ENOMEM;
    prefetch->entry = entry;
    prefetch->callback = callback;
    prefetch->userdata = userdata;
    r = read_entry(entry, &meta, &request);
    if (r <= 0)
        return r;
    r = prefetch_order(prefetch, orders, &meta, &request, failure);
    if (r > 0)
        *ret = TAKE_PTR(prefetch);
    return r;
}
