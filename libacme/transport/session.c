/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/session.h"

#include <sys/queue.h>

#include "base/clock.h"
#include "libacme/https/fetch.h"
#include "libacme/transport/directory.h"
#include "libacme/transport/jws.h"
#include "libacme/transport/nonces.h"
#include "libacme/transport/problem.h"
#include "log/log.h"
#include "statedir/session-record.h"
#include "strings/strv.h"

#define BAD_NONCE_TRIES 12U

struct Session {
    unsigned n_ref;
    sd_event *event;
    Fetcher *fetcher;
    CaDirectory *directory;
    Nonces nonces;
    char *state_directory; /* NULL: nothing is saved */
    bool is_unkept;        /* a failure to save was logged */
    EVP_PKEY *key;
    char *account_url;
    LIST_HEAD(, SessionCall) calls;
};

struct SessionCall {
    Session *session;
    LIST_ENTRY(SessionCall) list;
    bool for_directory; /* wants the directory itself, no POST */
    bool awaits_directory;
    bool is_redirected; /* the directory was fetched again for it */
    char *url, *resource, *payload, *accept;
    char *tail; /* path below the resource for a GET; NULL: a POST */
    bool with_jwk;
    bool is_pooled;   /* its nonce was kept from an earlier answer */
    bool is_repeated; /* with a fresh nonce, after an error that a kept one may have caused */
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

/* The callback may drop the last reference to the session: hold one until the end. */
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

static const char *call_url(SessionCall *call)
{
    return str_or(call->url, ca_directory_resource(call->session->directory, call->resource));
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
    r = jws_sign(session->key,
                 &(JwsHeader){ .kid = call->with_jwk ? NULL : session->account_url,
                               .nonce = nonce,
                               .url = url },
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

static void call_fail_unsent(SessionCall *call, int error)
{
    call_fail(call, error,
              error == -EOPNOTSUPP ? "its directory has no https URL for it"
                                   : "it could not be signed or sent");
}

/* The CA may have moved the resource: a fresh directory has its new URL. */
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
    ca_directory_expire(session->directory);
    r = ca_directory_need(session->directory);
    if (r < 0)
        call_fail(call, r, "the directory cannot be requested");
}

/* The caller must not take this status as one of its own request. */
static void call_fail_nonce(SessionCall *call, const FetchResult *result)
{
    json_auto_t *json = NULL;
    const SessionReply reply = session_reply_read(result, &json);
    _cleanup_free_ char *text = NULL, *came = session_reply_describe(&reply);

    if (asprintf(&text, "%s sent no nonce (%s)%s",
                 ca_directory_resource(call->session->directory, "newNonce"), str_or(came, "?"),
                 result->status == 429 ? ": the CA limits the rate of requests" : "") < 0)
        text = NULL;
    call_finish(call, &(SessionReply){ .error = -EBADMSG,
                                       .error_text = text,
                                       .retry_after = result->retry_after,
                                       .body = "" });
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
        call_fail_nonce(call, result);
        return;
    }
    call->is_pooled = false;
    r = call_send(call, result->replay_nonce);
    if (r < 0)
        call_fail_unsent(call, r);
}

static int call_fetch_nonce(SessionCall *call)
{
    const char *url = ca_directory_resource(call->session->directory, "newNonce");

    return fetcher_start(call->session->fetcher, &(FetchRequest){ .url = url, .head = true },
                         on_nonce, call, &call->fetch);
}

static void on_get(const FetchResult *result, void *userdata)
{
    json_auto_t *json = NULL;
    SessionReply reply = session_reply_read(result, &json);

    call_finish(userdata, &reply);
}

static int call_get(SessionCall *call)
{
    const char *resource = ca_directory_resource(call->session->directory, call->resource);
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

/* The directory is there: sign and send, or get a nonce first. */
static int call_go(SessionCall *call)
{
    _cleanup_free_ char *nonce = NULL;

    if (call->tail)
        return call_get(call);
    nonce = nonces_take(&call->session->nonces);
    call->is_pooled = nonce;
    return nonce ? call_send(call, nonce) : call_fetch_nonce(call);
}

/* A CA that was restarted may fail on the nonces that it gave out before, instead of refusing them
 * (RFC 8555 §6.5). */
static bool may_be_for_nonce(const SessionCall *call, const FetchResult *result)
{
    return call->is_pooled && !call->is_repeated && result->error == 0 && result->status >= 500 &&
           !nonce_is_valid(result->replay_nonce);
}

static void on_post(const FetchResult *result, void *userdata)
{
    json_auto_t *json = NULL;
    SessionCall *call = userdata;
    SessionReply reply = session_reply_read(result, &json);

    call->fetch = NULL;
    nonces_add(&call->session->nonces, result->replay_nonce);

    if (call->resource && call_is_astray(call, result)) {
        call_look_up_again(call);
        return;
    }
    if (may_be_for_nonce(call, result)) {
        int r;

        call->is_repeated = true;
        nonces_clear(&call->session->nonces);
        r = call_fetch_nonce(call);
        if (r < 0)
            call_fail(call, r, "the request could not be sent again");
        return;
    }
    if (reply.problem && streq(problem_type(reply.problem), "badNonce") &&
        ++call->bad_nonces < BAD_NONCE_TRIES) {
        int r;

        /* The older nonces are no better. */
        if (!nonce_is_valid(result->replay_nonce))
            nonces_clear(&call->session->nonces);
        r = call_go(call);
        if (r < 0)
            call_fail_unsent(call, r);
        return;
    }
    call_finish(call, &reply);
}

/* A failure costs only a few more requests after a restart. */
static void session_check_kept(Session *session, int r)
{
    if (r >= 0 || session->is_unkept)
        return;
    session->is_unkept = true;
    log_warning_errno(r, "Failed to save the directory or nonces of %s in '%s': %m",
                      ca_directory_url(session->directory), session->state_directory);
}

static void session_save_directory(Session *session)
{
    if (session->state_directory)
        session_check_kept(session, session_record_save(session->state_directory,
                                                        ca_directory_url(session->directory),
                                                        ca_directory_object(session->directory),
                                                        time(NULL)));
}

/* On disk are only nonces that were not used: those of a crash are lost. */
static void session_save_nonces(Session *session)
{
    _cleanup_strv_ char **nonces = NULL;

    if (!session->state_directory || session->nonces.n == 0)
        return;
    for (size_t i = 0; i < session->nonces.n; i++)
        if (strv_extend(&nonces, session->nonces.list[i]) < 0)
            return;
    session_check_kept(session, session_record_add_nonces(session->state_directory,
                                                          ca_directory_url(session->directory),
                                                          nonces, time(NULL)));
}

static SessionCall *next_awaiting(Session *session)
{
    SessionCall *call;

    LIST_FOREACH (call, &session->calls, list)
        if (call->awaits_directory)
            return call;
    return NULL;
}

/* Sends the calls that waited for the directory. Each round removes one from the waiting calls. */
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
            call_fail_unsent(call, r);
    }
}

static void session_on_directory(const SessionReply *reply, void *userdata)
{
    if (reply->error == 0)
        session_save_directory(userdata);
    session_release(userdata, reply);
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
    /* The caller starts something new: fetch a fresh directory. This also keeps the callback
     * asynchronous. */
    call->for_directory = true;
    call->awaits_directory = true;
    ca_directory_expire(session->directory);
    r = ca_directory_need(session->directory);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(call);
    return 0;
}

const json_t *session_last_directory(const Session *session)
{
    return ca_directory_object(session->directory);
}

static int copy_string(const char *from, char **to)
{
    if (from && !(*to = strdup(from)))
        return -ENOMEM;
    return 0;
}

/* Sends the call now, or as soon as the directory is there. */
static int call_begin(SessionCall *call)
{
    int r = ca_directory_need(call->session->directory);

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

int session_new(sd_event *event, const char *directory_url, const FetchRoute *route, Session **ret)
{
    _cleanup_(session_unrefp) Session *session = calloc(1, sizeof(*session));
    int r;

    if (!session)
        return -ENOMEM;
    session->n_ref = 1;
    session->event = sd_event_ref(event);
    r = fetcher_new(event, route, &session->fetcher);
    if (r >= 0)
        r = ca_directory_new(session->fetcher, directory_url, session_on_directory, session,
                             &session->directory);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(session);
    return 0;
}

/* The record is checked like data from the CA. */
static void session_take_up(Session *session)
{
    _cleanup_(session_record_done) SessionRecord record = { 0 };
    time_t now = time(NULL);
    int r = session_record_take(session->state_directory, ca_directory_url(session->directory), now,
                                &record);

    if (r < 0 && r != -ENOENT)
        session_check_kept(session, r);
    if (r < 0 || ca_directory_set(session->directory, record.directory, now - record.fetched) < 0)
        return;
    STRV_FOREACH (nonce, record.nonces)
        nonces_add(&session->nonces, *nonce);
}

const char *session_server(const Session *session)
{
    return ca_directory_url(session->directory);
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
        log_warning_errno(r, "Failed to clean up saved sessions in '%s': %m", state_directory);
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
    session_save_nonces(session);
    ca_directory_free(session->directory);
    fetcher_unref(session->fetcher);
    nonces_clear(&session->nonces);
    EVP_PKEY_free(session->key);
    sd_event_unref(session->event);
    free(session->state_directory);
    free(session->account_url);
    free(session);
    return NULL;
}
