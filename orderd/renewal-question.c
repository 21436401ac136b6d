/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewal-question.h"

#include "chain-fields.h"
#include "csr.h"
#include "log.h"
#include "renewal-info.h"
#include "rfc3339.h"
#include "storage-meta.h"
#include "strv.h"

struct RenewalQuestion {
    Config *config;
    const Storage *storage; /* of the config */
    char key[STORAGE_KEY_SIZE];
    char fingerprint[CHAIN_FINGERPRINT_SIZE]; /* of the certificate that it is about */
    unsigned failures;
    Session *session;
    SessionCall *call;
    renewal_question_cb callback;
    void *userdata;
};

const char *renewal_question_key(const RenewalQuestion *question)
{
    return question->key;
}

const Storage *renewal_question_storage(const RenewalQuestion *question)
{
    return question->storage;
}

RenewalQuestion *renewal_question_free(RenewalQuestion *question)
{
    if (!question)
        return NULL;
    session_call_cancel(question->call);
    session_unref(question->session);
    config_unref(question->config);
    free(question);
    return NULL;
}

static const AccountBlock *find_server(const AccountBlock *const *accounts, size_t n,
                                       const char *server)
{
    for (size_t i = 0; i < n; i++)
        if (streq(accounts[i]->server, server))
            return accounts[i];
    return NULL;
}

/* An account at the CA that issued it; the question is asked without its key. */
static const AccountBlock *find_account(const Config *config, const StorageMeta *meta)
{
    const AuthBlock *auth = meta->auth ? config_find_auth(config, meta->auth) : NULL;
    const AccountBlock *account = NULL;

    if (!meta->server)
        return config_default_account(config);
    if (auth)
        account = find_server(auth->accounts, auth->n_accounts, meta->server);
    if (!account)
        account = find_server((const AccountBlock *const *)config->accounts, config->n_accounts,
                              meta->server);
    return account;
}

/* "www.example.org example.org"; NULL where the request does not tell. */
static char *add_names(const RenewalQuestion *question, LogFields *fields)
{
    _cleanup_strv_ char **identifiers = NULL;
    _cleanup_(csr_freep) Csr *csr = NULL;
    _cleanup_free_ char *body = NULL;
    const char *reason;
    size_t size;

    if (storage_read_request(question->storage, question->key, &body, &size) < 0 ||
        csr_parse(body, size, &csr, &reason) < 0)
        return NULL;
    identifiers = csr_identifiers(csr);
    log_fields_add_all(fields, LOG_FIELD_NAME, identifiers);
    return identifiers ? strv_join(identifiers, " ") : NULL;
}

static void log_window(const RenewalQuestion *question, const Chain *chain,
                       const StorageMeta *before, const RenewalInfo *info)
{
    _cleanup_log_fields_ LogFields fields = { 0 };
    _cleanup_free_ char *names = add_names(question, &fields);
    char start[RFC3339_SIZE], end[RFC3339_SIZE], known[RFC3339_SIZE];

    log_fields_add(&fields, LOG_FIELD_CSR, question->key);
    log_fields_add(&fields, LOG_FIELD_AUTH, before->auth);
    chain_add_fields(chain, &fields);
    log_event(LOG_EVENT_RENEWAL_WINDOW, &fields,
              "The CA wants the certificate for %s, serial %s, to be renewed from %s to %s%s%s%s%s",
              str_or(names, "?"), str_or(log_fields_get(&fields, LOG_FIELD_SERIAL), "?"),
              rfc3339_format(info->start, start), rfc3339_format(info->end, end),
              before->window_start ? "; before from " : "",
              before->window_start ? rfc3339_format(before->window_start, known) : "",
              info->explanation ? "; why: " : "", str_or(info->explanation, ""));
}

/* What is plain is not worth an entry for each certificate: that the CA names a window at all. */
static bool is_news(const StorageMeta *known, const RenewalInfo *info)
{
    if (known->window_start == 0)
        return info->explanation;
    return known->window_start != info->start || known->window_end != info->end;
}

static void set_window(StorageMeta *meta, RenewalInfo *info)
{
    meta->window_start = info->start;
    meta->window_end = info->end;
    free(meta->explanation);
    meta->explanation = TAKE_PTR(info->explanation);
}

static RenewalAnswer read_reply(const RenewalQuestion *question, const SessionReply *reply,
                                const Chain *chain, StorageMeta *meta)
{
    RenewalInfo info = { 0 };

    if (reply->error == 0 && reply->status == 200 && renewal_info_parse(reply->json, &info) >= 0) {
        if (is_news(meta, &info))
            log_window(question, chain, meta, &info);
        set_window(meta, &info);
        renewal_info_done(&info);
        meta->ask_at = time(NULL) + renewal_info_pause(reply->retry_after);
        return RENEWAL_ANSWER_GIVEN;
    }
    log_debug("The CA does not say when the certificate %.16s is to be renewed: %s, HTTP status "
              "%ld",
              question->key, reply->error ? str_or(reply->error_text, "?") : "no window",
              reply->status);
    meta->ask_at =
        time(NULL) + renewal_info_pause_failed(question->failures + 1, reply->retry_after);
    return RENEWAL_ANSWER_FAILED;
}

/* It asks no more of who renews when than the configuration does. */
static RenewalAnswer forget_window(StorageMeta *meta)
{
    set_window(meta, &(RenewalInfo){ 0 });
    meta->ask_at = 0;
    return RENEWAL_ANSWER_NEVER;
}

/* The entry may have another certificate by now, or none: that was not asked about. */
static bool is_there(const RenewalQuestion *question, Chain **ret)
{
    char fingerprint[CHAIN_FINGERPRINT_SIZE];
    const char *why;

    if (storage_load(question->storage, question->key, ret, &why) != STORAGE_HIT)
        return false;
    chain_fingerprint(*ret, fingerprint);
    return streq(fingerprint, question->fingerprint);
}

static void save(const RenewalQuestion *question, const Chain *chain, const StorageMeta *meta)
{
    int r = storage_meta_save(question->storage, question->key, chain, meta);

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "What the CA says of entry %s is not written to '%s': %m", question->key,
                        question->storage->directory);
}

static void on_reply(const SessionReply *reply, void *userdata)
{
    RenewalAnswer answer = RENEWAL_ANSWER_FAILED;
    _cleanup_storage_meta_ StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;
    RenewalQuestion *question = userdata;

    question->call = NULL;
    if (is_there(question, &chain)) {
        bool is_known;

        storage_meta_load(question->storage, question->key, chain, &meta);
        is_known = meta.window_start != 0;
        answer = reply->error == -EOPNOTSUPP ? forget_window(&meta)
                                             : read_reply(question, reply, chain, &meta);
        if (answer != RENEWAL_ANSWER_NEVER || is_known)
            save(question, chain, &meta);
    }
    question->callback(question, answer, question->userdata);
}

static int ask(RenewalQuestion *question, Accounts *accounts, const AccountBlock *block,
               const Chain *chain)
{
    _cleanup_free_ char *identifier = renewal_info_identifier(chain);
    Account *account;
    int r;

    if (!identifier)
        return -ENOENT;
    r = accounts_get(accounts, question->config, block, &account);
    if (r < 0)
        return r;
    question->session = session_ref(account_session(account));
    return session_get(question->session, RENEWAL_INFO_RESOURCE, identifier, on_reply, question,
                       &question->call);
}

static int start(RenewalQuestion *question, Accounts *accounts)
{
    _cleanup_storage_meta_ StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;
    const AccountBlock *block;
    const char *why;
    int r = storage_load(question->storage, question->key, &chain, &why);

    if (r != STORAGE_HIT)
        return r < 0 ? r : -ENOENT;
    chain_fingerprint(chain, question->fingerprint);
    storage_meta_load(question->storage, question->key, chain, &meta);
    block = find_account(question->config, &meta);
    return block ? ask(question, accounts, block, chain) : -ENOENT;
}

int renewal_question_start(Accounts *accounts, Config *config, const Storage *storage,
                           const char *key, unsigned failures, renewal_question_cb callback,
                           void *userdata, RenewalQuestion **ret)
{
    _cleanup_(renewal_question_freep) RenewalQuestion *question = calloc(1, sizeof(*question));
    int r;

    if (!question)
        return -ENOMEM;
    question->config = config_ref(config);
    question->storage = storage;
    memcpy(question->key, key, STORAGE_KEY_SIZE);
    question->failures = failures;
    question->callback = callback;
    question->userdata = userdata;
    r = start(question, accounts);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(question);
    return 0;
}
