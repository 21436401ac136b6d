/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewals/renewal-query.h"

#include <stdio.h>

#include "libacme/renewal-info.h"
#include "libacme/transport/polling.h"
#include "log/log.h"
#include "statedir/storage/cache.h"
#include "strings/rfc3339.h"
#include "strings/strv.h"

/* Time until the next query after a failed one, s. */
#define RETRY 3600U

struct RenewalQuery {
    const InventoryRef *entry;
    Chain *chain;
    StorageMeta meta;
    Session *session;
    SessionCall *call;
    renewal_query_cb callback;
    void *userdata;
};

RenewalQuery *renewal_query_free(RenewalQuery *query)
{
    if (!query)
        return NULL;
    session_call_cancel(query->call);
    session_unref(query->session);
    chain_free(query->chain);
    storage_meta_done(&query->meta);
    free(query);
    return NULL;
}

DEFINE_CLEANUP_FUNC(RenewalQuery *, renewal_query_free)

/* A CA moves the window when it is going to revoke many certificates, for example. */
static void query_log_moved(const RenewalQuery *query, const RenewalInfo *info)
{
    _cleanup_strv_ char **names = chain_names(query->chain);
    _cleanup_free_ char *joined = strv_join(names, " ");
    _cleanup_log_fields_ LogFields fields = { 0 };
    char start[RFC3339_SIZE], end[RFC3339_SIZE];

    log_fields_add(&fields, LOG_FIELD_CSR, query->entry->key);
    log_fields_add_all(&fields, LOG_FIELD_NAME, names);
    log_event(LOG_EVENT_RENEWAL_MOVED, &fields,
              "The CA changed the renewal window of the certificate for %s: from %s to %s%s%s",
              str_or(joined, "?"), str_or(rfc3339_format(info->start, start), "?"),
              str_or(rfc3339_format(info->end, end), "?"), info->explanation ? "; see " : "",
              str_or(info->explanation, ""));
}

static bool has_window(const StorageMeta *meta)
{
    return meta->window_end > 0;
}

static void query_take(RenewalQuery *query, const RenewalInfo *info)
{
    StorageMeta *meta = &query->meta;
    char *explanation = info->explanation ? strdup(info->explanation) : NULL;

    if (has_window(meta) && (info->start != meta->window_start || info->end != meta->window_end))
        query_log_moved(query, info);
    meta->window_start = info->start;
    meta->window_end = info->end;
    free(meta->explanation);
    meta->explanation = explanation;
}

/* Whether a later query may get another answer. The answers that the CA does not know the
 * certificate or has no window for it are final. */
static bool is_temporary(const SessionReply *reply)
{
    if (reply->error < 0)
        return reply->error != -EOPNOTSUPP;
    return !session_reply_is_good(reply) && reply->status != 404;
}

/* Reads the metadata again, which a client's request may have changed meanwhile. False: the entry
 * has another certificate now, or none. */
static bool query_is_current(RenewalQuery *query)
{
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;

    if (storage_load_known(query->entry->storage, query->entry->key, &chain, &meta) !=
            STORAGE_HIT ||
        X509_cmp(chain_leaf(chain), chain_leaf(query->chain)) != 0)
        return false;
    storage_meta_done(&query->meta);
    query->meta = meta;
    meta = (StorageMeta){ 0 };
    return true;
}

static void query_keep(RenewalQuery *query)
{
    int r = storage_meta_save(query->entry->storage, query->entry->key, query->chain, &query->meta);

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to write the renewal window of %s to '%s': %m", query->entry->key,
                        query->entry->storage->directory);
}

static void forget_window(StorageMeta *meta)
{
    meta->window_start = meta->window_end = 0;
    free(meta->explanation);
    meta->explanation = NULL;
}

static void query_on_reply(const SessionReply *reply, void *userdata)
{
    _cleanup_(renewal_query_freep) RenewalQuery *query = userdata;
    StorageMeta *meta = &query->meta;
    time_t now = time(NULL);
    RenewalInfo info = { 0 };
    Renewal renewal;
    bool is_known;

    query->call = NULL;
    if (!query_is_current(query)) {
        query->callback(NULL, query->userdata);
        return;
    }
    is_known = has_window(meta);
    meta->ask_at = renewal_info_next(reply, now);
    if (renewal_info_read(reply, &info))
        query_take(query, &info);
    else if (!is_temporary(reply))
        forget_window(meta);
    else if (reply->retry_after == 0)
        meta->ask_at = now + backoff_spread_seconds(RETRY);
    /* A CA without renewal information has nothing new to store. */
    if (reply->error != -EOPNOTSUPP || is_known)
        query_keep(query);
    renewal = renewal_of(query->entry->storage, query->entry->key, query->chain, meta);
    query->callback(&renewal, query->userdata);
}

/* The account at the CA that issued the certificate; if that is not known, the default account.
 * NULL: there is none. */
static const AccountBlock *query_account(const Config *config, const StorageMeta *meta)
{
    return meta->server ? config_account_at(config, meta->server, meta->account)
                        : config_default_account(config);
}

static int query_send(RenewalQuery *query, Accounts *accounts, const AccountBlock *block)
{
    _cleanup_free_ char *id = chain_renewal_id(query->chain);
    Account *account;
    int r;

    if (!id)
        return 0;
    r = accounts_get(accounts, query->entry->config, block, &account);
    if (r < 0)
        return r;
    query->session = session_ref(account_session(account));
    r = renewal_info_request(query->session, id, query_on_reply, query, &query->call);
    if (r != -EOPNOTSUPP)
        return r < 0 ? r : 1;
    if (has_window(&query->meta)) {
        forget_window(&query->meta);
        query_keep(query);
    }
    return 0;
}

int renewal_query_start(Accounts *accounts, const InventoryRef *entry, renewal_query_cb callback,
                        void *userdata, RenewalQuery **ret)
{
    _cleanup_(renewal_query_freep) RenewalQuery *query = calloc(1, sizeof(*query));
    const AccountBlock *block;
    int r;

    if (!query)
        return -ENOMEM;
    query->entry = entry;
    query->callback = callback;
    query->userdata = userdata;
    r = storage_load_known(entry->storage, entry->key, &query->chain, &query->meta);
    if (r != STORAGE_HIT)
        return r < 0 ? r : 0;
    block = query_account(entry->config, &query->meta);
    if (!block || !chain_is_alive(query->chain, time(NULL)))
        return 0;
    r = query_send(query, accounts, block);
    if (r > 0)
        *ret = TAKE_PTR(query);
    return r;
}
