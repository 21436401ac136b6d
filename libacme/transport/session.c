/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/session.h"

#include <sys/queue.h>

#include "base/clock.h"
#include "libacme/transport/fetch.h"
#include "libacme/transport/jws.h"
#include "libacme/transport/problem.h"
#include "log/log.h"
#include "statedir/session-record.h"
#include "strings/strv.h"

#define NONCES_MAX      64U
#define BAD_NONCE_TRIES 12U

struct Session {
    unsigned n_ref;
    sd_event *event;
    Fetcher *fetcher;
    char *directory_url;
    char *state_directory; /* NULL: nothing of it outlives the session */
    bool is_unkept;        /* that it does not was said */
    json_t *directory;
    usec_t directory_expiry;
    Fetch *directory_fetch;
    EVP_PKEY *key;
    char *account_url;
    /* The newest is used first: the CA may have forgotten old ones. */
    char *nonces[NONCES_MAX];
    size_t n_nonces;
    LIST_HEAD(, SessionCall) calls;
};

struct SessionCall {
    Session *session;
    LIST_ENTRY(SessionCall) list;
    bool for_directory; /* wants the directory itself, no POST */
    bool awaits_directory;
    bool is_redirected; /* the directory was fetched anew for it */
    char *url, *resource, *payload, *accept;
    char *tail; /* a GET of what is below the resource; NULL: a POST */
    bool with_jwk;
    unsigned bad_nonces;
    Fetch *fetch;
    session_cb callback;
    void *userdata;
};

static void on_post(const FetchResult *result, void *userdata);

static SessionCall *call_free(SessionCall *call)
{
    LIST_REMOVE(call, list);
    fetch_cancel(call->fetch);
    free(call->url);
    free(call->resource);
    free(call->payload);
    free(call->accept);
    free(call->tail);
    free(call);
    return NULL;
}

DEFINE_CLEANUP_FUNC(SessionCall *, call_free)

SessionCall *session_call_cancel(SessionCall *call)
{
    return call ? call_free(call) : NULL;
}

/* The callback may drop the last reference to the session: it is held until here. */
static void call_finish(SessionCall *call, const SessionReply *reply)
{
    _cleanup_(session_unrefp) _unused_ Session *session = session_ref(call->session);
    session_cb callback = call->callback;
    void *userdata = call->userdata;

    call->fetch = NULL;
    call_free(call);
    callback(reply, userdata);
}

static void call_fail(SessionCall *call, int error, const char *text)
{
    call_finish(call, &(SessionReply){ .error = error, .error_text = text, .body = "" });
}

const char *session_url(const json_t *object, const char *key)
{
    const char *url = json_string_value(json_object_get(object, key));

    return url && strncmp(url, "https://", 8) == 0 ? url : NULL;
}

/* RFC 8555 §6.5.1: base64url; anything else is to be ignored. */
static bool nonce_is_valid(const char *nonce)
{
    return nonce && *nonce && strlen(nonce) <= 256 &&
           !nonce[strspn(nonce,
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")];
}

static void session_keep_nonce(Session *session, const char *nonce)
{
    char *copy;

    if (!nonce_is_valid(nonce))
        return;
    copy = strdup(nonce);
    if (!copy)
        return;
    if (session->n_nonces == NONCES_MAX) {
        free(session->nonces[0]);
        session->n_nonces--;
        memmove(session->nonces, session->nonces + 1, session->n_nonces * sizeof(char *));
    }
    session->nonces[session->n_nonces++] = copy;
}

static char *session_take_nonce(Session *session)
{
    return session->n_nonces > 0 ? session->nonces[--session->n_nonces] : NULL;
}

static void session_drop_nonces(Session *session)
{
    while (session->n_nonces > 0)
        free(session->nonces[--session->n_nonces]);
}

static bool reply_is_json(const FetchResult *result)
{
    return strcaseeq(result->content_type, "application/json") ||
           strcaseeq(result->content_type, "application/problem+json");
}

/* Reads an answer's JSON; *ret_json owns what the reply borrows. */
static SessionReply reply_from_result(const FetchResult *result, json_t **ret_json)
{
    SessionReply reply = {
        .error = result->error,
        .error_text = result->error_text,
        .status = result->status,
        .body = result->body,
        .size = result->size,
        .content_type = result->content_type,
        .location = result->location,
        .alternates = result->alternates,
        .retry_after = result->retry_after,
    };

    if (result->error == 0 && reply_is_json(result)) {
        json_t *json = json_loadb(result->body, result->size, 0, NULL);

        if (json_is_object(json))
            reply.json = json;
        if (reply.json && result->status >= 400 &&
            strcaseeq(result->content_type, "application/problem+json"))
            reply.problem = json;
        *ret_json = json;
    }
    return reply;
}

static const char *call_url(SessionCall *call)
{
    return str_or(call->url, session_url(call->session->directory, call->resource));
}

static int call_send(SessionCall *call, const char *nonce)
{
    json_auto_t *jws = NULL;
    _cleanup_free_ char *body = NULL;
    Session *session = call->session;
    const char *url = call_url(call);
    int r;

    if (!url)
        return -EOPNOTSUPP;
    r = jws_sign(session->key, call->with_jwk ? NULL : session->account_url, nonce, url,
                 str_or(call->payload, ""), &jws);
    if (r < 0)
        return r;
    body = json_dumps(jws, JSON_COMPACT);
    if (!body)
        return -ENOMEM;
    return fetcher_start(session->fetcher,
                         &(FetchRequest){ .url = url, .body = body, .accept = call->accept },
                         on_post, call, &call->fetch);
}

static int session_need_directory(Session *session);

/* The CA has moved what its directory named: a fresh one says where to. */
static bool call_is_astray(const SessionCall *call, const FetchResult *result)
{
    return !call->is_redirected && result->error == 0 &&
           (result->status == 404 || result->status == 410);
}

static void call_look_up_again(SessionCall *call)
{
    Session *session = call->session;
    int r;

    call->is_redirected = true;
    call->awaits_directory = true;
    session->directory_expiry = 0;
    r = session_need_directory(session);
    if (r < 0)
        call_fail(call, r, "the directory cannot be asked for");
}

static void on_nonce(const FetchResult *result, void *userdata)
{
    SessionCall *call = userdata;
    int r;

    call->fetch = NULL;
    if (result->error < 0) {
        call_fail(call, result->error, result->error_text);
        return;
    }
    if (call_is_astray(call, result)) {
        call_look_up_again(call);
        return;
    }
    if (!nonce_is_valid(result->replay_nonce)) {
        call_finish(call, &(SessionReply){ .error = -EBADMSG,
                                           .error_text = "the CA gave no nonce",
                                           .retry_after = result->retry_after,
                                           .body = "" });
        return;
    }
    r = call_send(call, result->replay_nonce);
    if (r < 0)
        call_fail(call, r, "the request could not be signed or sent");
}

static int call_fetch_nonce(SessionCall *call)
{
    const char *url = session_url(call->session->directory, "newNonce");

    return fetcher_start(call->session->fetcher, &(FetchRequest){ .url = url, .head = true },
                         on_nonce, call, &call->fetch);
}

static void on_get(const FetchResult *result, void *userdata)
{
    json_auto_t *json = NULL;
    SessionReply reply = reply_from_result(result, &json);

    call_finish(userdata, &reply);
}

static int call_get(SessionCall *call)
{
    const char *resource = session_url(call->session->directory, call->resource);
    _cleanup_free_ char *url = NULL;

    if (!resource)
        return -EOPNOTSUPP;
    if (asprintf(&url, "%s/%s", resource, call->tail) < 0) {
        url = NULL;
        return -ENOMEM;
    }
    return fetcher_start(call->session->fetcher, &(FetchRequest){ .url = url }, on_get, call,
                         &call->fetch);
}

/* With the directory at hand: sign and send, or get a nonce for it first. */
static int call_go(SessionCall *call)
{
    _cleanup_free_ char *nonce = NULL;

    if (call->tail)
        return call_get(call);
    nonce = session_take_nonce(call->session);
    return nonce ? call_send(call, nonce) : call_fetch_nonce(call);
}

static void on_post(const FetchResult *result, void *userdata)
{
    json_auto_t *json = NULL;
    SessionCall *call = userdata;
    SessionReply reply = reply_from_result(result, &json);

    call->fetch = NULL;
    session_keep_nonce(call->session, result->replay_nonce);

    if (call->resource && call_is_astray(call, result)) {
        call_look_up_again(call);
        return;
    }
    if (reply.problem && streq(problem_type(reply.problem), "badNonce") &&
        ++call->bad_nonces < BAD_NONCE_TRIES) {
        int r;

        /* Older ones are no better than this one was. */
        if (!nonce_is_valid(result->replay_nonce))
            session_drop_nonces(call->session);
        r = call_go(call);
        if (r < 0)
            call_fail(call, r, "the request could not be signed or sent again");
        return;
    }
    call_finish(call, &reply);
}

/* What cannot be written is only asked for once more after a restart. */
static void session_check_kept(Session *session, int r)
{
    if (r >= 0 || session->is_unkept)
        return;
    session->is_unkept = true;
    log_warning_errno(r, "The directory of %s, or its nonces, cannot be kept in '%s': %m",
                      session->directory_url, session->state_directory);
}

static void session_save_directory(Session *session)
{
    if (session->state_directory)
        session_check_kept(session,
                           session_record_save(session->state_directory, session->directory_url,
                                               session->directory, time(NULL)));
}

/* Those of a crash are lost: what is on disk was not handed out. */
static void session_save_nonces(Session *session)
{
    _cleanup_strv_ char **nonces = NULL;

    if (!session->state_directory || session->n_nonces == 0)
        return;
    for (size_t i = 0; i < session->n_nonces; i++)
        if (strv_extend(&nonces, session->nonces[i]) < 0)
            return;
    session_check_kept(session,
                       session_record_add_nonces(session->state_directory, session->directory_url,
                                                 nonces, time(NULL)));
}

static const char *directory_lacks(const json_t *directory)
{
    static const char *const needed[] = { "newNonce", "newAccount", "newOrder" };

    for (size_t i = 0; i < ELEMENTSOF(needed); i++)
        if (!session_url(directory, needed[i]))
            return needed[i];
    return NULL;
}

static SessionCall *next_awaiting(Session *session)
{
    SessionCall *call;

    LIST_FOREACH (call, &session->calls, list)
        if (call->awaits_directory)
            return call;
    return NULL;
}

static void session_use_directory(Session *session, json_t *directory, time_t age)
{
    json_decref(session->directory);
    session->directory = json_incref(directory);
    session->directory_expiry =
        now_monotonic() + (usec_t)(SESSION_DIRECTORY_AGE_MAX - age) * USEC_PER_SEC;
}

/* Sends on what waited for the directory. Every round takes one call out of the waiting ones. */
static void session_release(Session *session, const SessionReply *reply)
{
    _cleanup_(session_unrefp) _unused_ Session *hold = session_ref(session);
    SessionCall *call;

    while ((call = next_awaiting(session))) {
        int r;

        call->awaits_directory = false;
        if (reply->error < 0 || call->for_directory) {
            call_finish(call, reply);
            continue;
        }
        r = call_go(call);
        if (r < 0)
            call_fail(call, r, "the request could not be signed or sent");
    }
}

static void on_directory(const FetchResult *result, void *userdata)
{
    json_auto_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    Session *session = userdata;
    SessionReply reply = reply_from_result(result, &json);
    const char *lacks = NULL;

    session->directory_fetch = NULL;
    if (reply.error == 0 && result->status == 200 && reply.json) {
        lacks = directory_lacks(reply.json);
        if (!lacks) {
            session_use_directory(session, json, 0);
            session_save_directory(session);
        }
    }

    if (reply.error == 0 && (result->status != 200 || !reply.json || lacks)) {
        if (asprintf(&text, "%s is not an ACME directory (HTTP status %ld%s%s)",
                     session->directory_url, result->status, lacks ? ", without " : "",
                     str_or(lacks, "")) < 0)
            text = NULL;
        reply = (SessionReply){
            .error = -EBADMSG, .error_text = text, .retry_after = result->retry_after, .body = ""
        };
    }
    session_release(session, &reply);
}

/* 1: at hand, 0: on its way, negative: it cannot be asked for. */
static int session_need_directory(Session *session)
{
    if (session->directory && now_monotonic() < session->directory_expiry)
        return 1;
    if (session->directory_fetch)
        return 0;
    return fetcher_start(session->fetcher, &(FetchRequest){ .url = session->directory_url },
                         on_directory, session, &session->directory_fetch);
}

static SessionCall *call_new(Session *session, session_cb callback, void *userdata)
{
    SessionCall *call = calloc(1, sizeof(*call));

    if (!call)
        return NULL;
    call->session = session;
    call->callback = callback;
    call->userdata = userdata;
    LIST_INSERT_HEAD(&session->calls, call, list);
    return call;
}

int session_directory(Session *session, session_cb callback, void *userdata, SessionCall **ret)
{
    _cleanup_(call_freep) SessionCall *call = call_new(session, callback, userdata);
    int r;

    if (!call)
        return -ENOMEM;
    /* Asked for by who starts something: a fresh one is fetched, which keeps the callback
     * asynchronous too. */
    call->for_directory = true;
    call->awaits_directory = true;
    session->directory_expiry = 0;
    r = session_need_directory(session);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(call);
    return 0;
}

const json_t *session_last_directory(const Session *session)
{
    return session->directory;
}

static int copy_string(const char *from, char **to)
{
    if (from && !(*to = strdup(from)))
        return -ENOMEM;
    return 0;
}

/* Now, or as soon as the directory is there. */
static int call_begin(SessionCall *call)
{
    int r = session_need_directory(call->session);

    if (r < 0)
        return r;
    call->awaits_directory = r == 0;
    return r > 0 ? call_go(call) : 0;
}

int session_post(Session *session, const SessionRequest *request, session_cb callback,
                 void *userdata, SessionCall **ret)
{
    _cleanup_(call_freep) SessionCall *call = call_new(session, callback, userdata);
    int r;

    if (!call || copy_string(request->url, &call->url) < 0 ||
        copy_string(request->resource, &call->resource) < 0 ||
        copy_string(request->accept, &call->accept) < 0)
        return -ENOMEM;
    if (request->payload) {
        call->payload = json_dumps(request->payload, JSON_COMPACT);
        if (!call->payload)
            return -ENOMEM;
    }
    call->with_jwk = request->with_jwk;
    r = call_begin(call);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(call);
    return 0;
}

int session_get(Session *session, const char *resource, const char *tail, session_cb callback,
                void *userdata, SessionCall **ret)
{
    _cleanup_(call_freep) SessionCall *call = call_new(session, callback, userdata);
    int r;

    if (!call || copy_string(resource, &call->resource) < 0 || copy_string(tail, &call->tail) < 0)
        return -ENOMEM;
    r = call_begin(call);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(call);
    return 0;
}

void session_set_key(Session *session, EVP_PKEY *key)
{
    EVP_PKEY_up_ref(key);
    EVP_PKEY_free(session->key);
    session->key = key;
}

int session_set_account(Session *session, const char *url)
{
    char *copy = strdup(url);

    if (!copy)
        return -ENOMEM;
    free(session->account_url);
    session->account_url = copy;
    return 0;
}

int session_new(sd_event *event, const char *directory_url, const char *ca_file, Session **ret)
{
    _cleanup_(session_unrefp) Session *session = calloc(1, sizeof(*session));
    int r;

    if (!session)
        return -ENOMEM;
    session->n_ref = 1;
    session->event = sd_event_ref(event);
    session->directory_url = strdup(directory_url);
    if (!session->directory_url)
        return -ENOMEM;
    r = fetcher_new(event, ca_file, &session->fetcher);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(session);
    return 0;
}

/* Checked as what comes from the CA itself. */
static void session_take_up(Session *session)
{
    _cleanup_(session_record_done) SessionRecord record = { 0 };
    time_t now = time(NULL);
    int r = session_record_take(session->state_directory, session->directory_url, now, &record);

    if (r < 0 && r != -ENOENT)
        session_check_kept(session, r);
    if (r < 0 || directory_lacks(record.directory))
        return;
    session_use_directory(session, record.directory, now - record.fetched);
    STRV_FOREACH (nonce, record.nonces)
        session_keep_nonce(session, *nonce);
}

int session_keep_in(Session *session, const char *state_directory)
{
    int r = copy_string(state_directory, &session->state_directory);

    if (r >= 0)
        session_take_up(session);
    return r;
}

void session_sweep(const char *state_directory)
{
    int r = session_record_sweep(state_directory, time(NULL));

    if (r < 0)
        log_warning_errno(r, "What was kept of sessions in '%s' stays: %m", state_directory);
}

Session *session_ref(Session *session)
{
    session->n_ref++;
    return session;
}

Session *session_unref(Session *session)
{
    if (!session || --session->n_ref > 0)
        return NULL;
    while (!LIST_EMPTY(&session->calls))
        call_free(LIST_FIRST(&session->calls));
    fetch_cancel(session->directory_fetch);
    fetcher_unref(session->fetcher);
    session_save_nonces(session);
    session_drop_nonces(session);
    json_decref(session->directory);
    EVP_PKEY_free(session->key);
    sd_event_unref(session->event);
    free(session->directory_url);
    free(session->state_directory);
    free(session->account_url);
    free(session);
    return NULL;
}
