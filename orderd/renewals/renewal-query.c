/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewals/renewal-query.h"

#include <stdio.h>

#include "libacme/renewal-info.h"
#include "libacme/transport/polling.h"
#include "log/log.h"
#include "strings/rfc3339.h"
#include "strings/strv.h"

/* After no answer, s. */
#define RETRY 3600U

struct Question {
    Config *config;
    const Storage *storage;
    char key[STORAGE_KEY_SIZE];
    Chain *chain;
    StorageMeta meta;
    Session *session;
    SessionCall *call;
    question_cb callback;
    void *userdata;
};

Question *question_free(Question *question)
{
    if (!question)
        return NULL;
    session_call_cancel(question->call);
    session_unref(question->session);
    chain_free(question->chain);
    storage_meta_done(&question->meta);
    config_unref(question->config);
    free(question);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Question *, question_free)

/* The CA has changed its mind, as for many certificates that it is going to revoke. */
static void log_moved(const Question *question, const RenewalInfo *info)
{
    _cleanup_strv_ char **names = chain_names(question->chain);
    _cleanup_free_ char *joined = strv_join(names, " ");
    _cleanup_log_fields_ LogFields fields = { 0 };
    char start[RFC3339_SIZE], end[RFC3339_SIZE];

    log_fields_add(&fields, LOG_FIELD_CSR, question->key);
    log_fields_add_all(&fields, LOG_FIELD_NAME, names);
    log_event(
        LOG_EVENT_RENEWAL_MOVED, &fields,
        "The CA wants the certificate for %s to be renewed at another time: from %s to %s%s%s",
        str_or(joined, "?"), str_or(rfc3339_format(info->start, start), "?"),
        str_or(rfc3339_format(info->end, end), "?"), info->explanation ? "; see " : "",
        str_or(info->explanation, ""));
}

static bool has_window(const StorageMeta *meta)
{
    return meta->window_end > 0;
}

static void take(Question *question, const RenewalInfo *info)
{
    StorageMeta *meta = &question->meta;
    char *explanation = info->explanation ? strdup(info->explanation) : NULL;

    if (has_window(meta) && (info->start != meta->window_start || info->end != meta->window_end))
        log_moved(question, info);
    meta->window_start = info->start;
    meta->window_end = info->end;
    free(meta->explanation);
    meta->explanation = explanation;
}

/* Whether another time may bring another answer than this one: anything but that the CA does not
 * have the certificate, or no window for it. */
static bool is_passing(const SessionReply *reply)
{
    if (reply->error < 0)
        return reply->error != -EOPNOTSUPP;
    return reply->status != 200 && reply->status != 404;
}

/* Reads anew what is known: a client may have asked meanwhile. False: the entry has another
 * certificate by now, of which more is known than of this one, or none. */
static bool is_current(Question *question)
{
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;

    if (storage_load_known(question->storage, question->key, &chain, &meta) != STORAGE_HIT ||
        X509_cmp(chain_leaf(chain), chain_leaf(question->chain)) != 0)
        return false;
    storage_meta_done(&question->meta);
    question->meta = meta;
    meta = (StorageMeta){ 0 };
    return true;
}

static void keep(Question *question)
{
    int r = storage_meta_save(question->storage, question->key, question->chain, &question->meta);

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "When %s is to be renewed cannot be written to '%s': %m", question->key,
                        question->storage->directory);
}

static void forget_window(StorageMeta *meta)
{
    meta->window_start = meta->window_end = 0;
    free(meta->explanation);
    meta->explanation = NULL;
}

static void on_reply(const SessionReply *reply, void *userdata)
{
    _cleanup_(question_freep) Question *question = userdata;
    StorageMeta *meta = &question->meta;
    time_t now = time(NULL);
    RenewalInfo info = { 0 };
    Renewal renewal;
    bool is_known;

    question->call = NULL;
    if (!is_current(question)) {
        question->callback(NULL, question->userdata);
        return;
    }
    is_known = has_window(meta);
    meta->ask_at = renewal_info_next(reply, now);
    if (renewal_info_read(reply, &info))
        take(question, &info);
    else if (!is_passing(reply))
        forget_window(meta);
    else if (reply->retry_after == 0)
        meta->ask_at = now + backoff_spread_seconds(RETRY);
    /* One that has no such thing is asked for its directory only: nothing to write down. */
    if (reply->error != -EOPNOTSUPP || is_known)
        keep(question);
    renewal = renewal_of(question->storage, question->key, question->chain, meta);
    question->callback(&renewal, question->userdata);
}

/* The account at the CA that the certificate is from; of one that nobody knows it of, the default.
 * NULL: there is none. */
static const AccountBlock *find_account(const Config *config, const StorageMeta *meta)
{
    return meta->server ? config_account_at(config, meta->server, meta->account)
                        : config_default_account(config);
}

static int ask(Question *question, Accounts *accounts, const AccountBlock *block)
{
    _cleanup_free_ char *id = chain_renewal_id(question->chain);
    Account *account;
    int r;

    if (!id)
        return 0;
    r = accounts_get(accounts, question->config, block, &account);
    if (r < 0)
        return r;
    question->session = session_ref(account_session(account));
    r = renewal_info_request(question->session, id, on_reply, question, &question->call);
    if (r != -EOPNOTSUPP)
        return r < 0 ? r : 1;
    if (has_window(&question->meta)) {
        forget_window(&question->meta);
        keep(question);
    }
    return 0;
}

int question_start(Accounts *accounts, Config *config, const Storage *storage, const char *key,
                   question_cb callback, void *userdata, Question **ret)
{
    _cleanup_(question_freep) Question *question = calloc(1, sizeof(*question));
    const AccountBlock *block;
    int r;

    if (!question)
        return -ENOMEM;
    question->config = config_ref(config);
    question->storage = storage;
    memcpy(question->key, key, STORAGE_KEY_SIZE);
    question->callback = callback;
    question->userdata = userdata;
    r = storage_load_known(storage, key, &question->chain, &question->meta);
    if (r != STORAGE_HIT)
        return r < 0 ? r : 0;
    block = find_account(config, &question->meta);
    if (!block || !chain_is_alive(question->chain, time(NULL)))
        return 0;
    r = ask(question, accounts, block);
    if (r > 0)
        *ret = TAKE_PTR(question);
    return r;
}
