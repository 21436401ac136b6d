/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/account/rollover.h"

#include <stdio.h>

#include "libacme/account/registration.h"
#include "libacme/transport/jws.h"
#include "libacme/transport/problem.h"
#include "statedir/account/account-dir.h"

struct Rollover {
    Session *session;
    char *directory;
    int lock_fd;
    EVP_PKEY *new;
    SessionCall *call;
    Failure refusal; /* of keyChange, while the CA is asked whether it took effect */
    rollover_cb callback;
    void *userdata;
};

Rollover *rollover_cancel(Rollover *rollover)
{
    if (!rollover)
        return NULL;
    session_call_cancel(rollover->call);
    session_unref(rollover->session);
    EVP_PKEY_free(rollover->new);
    failure_done(&rollover->refusal);
    safe_close(rollover->lock_fd);
    free(rollover->directory);
    free(rollover);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Rollover *, rollover_cancel)

/* Releases the lock before the callback. */
static void rollover_end(Rollover *rollover, Failure *failure)
{
    rollover_cb callback = rollover->callback;
    void *userdata = rollover->userdata;

    rollover_cancel(rollover);
    callback(failure->status ? failure : NULL, userdata);
    failure_done(failure);
}

static int adopt(const Rollover *rollover)
{
    json_auto_t *registration = NULL, *jwk = NULL;
    int r = account_registration_load(rollover->directory, &registration);

    if (r < 0 && r != -ENOENT)
        return r;
    /* Replace the key last: until then a crash repeats all of this. */
    if (r >= 0) {
        r = jwk_from_key(rollover->new, &jwk);
        if (r < 0)
            return r;
        if (json_object_set(json_object_get(registration, "body"), "key", jwk) < 0)
            return -ENOMEM;
        r = account_registration_save(rollover->directory, registration);
        if (r < 0)
            return r;
    }
    return account_new_key_adopt(rollover->directory);
}

static void rollover_end_on_disk(Rollover *rollover, int r, Failure *failure)
{
    if (r < 0)
        failure_set(failure, LOG_EVENT_ACCOUNT_UNUSABLE, 500, 0,
                    "The server cannot write its account directory: %s.", strerror(-r));
    rollover_end(rollover, failure);
}

static void on_taken(Rollover *rollover)
{
    Failure failure = { 0 };

    rollover_end_on_disk(rollover, adopt(rollover), &failure);
}

static void on_not_taken(Rollover *rollover)
{
    Failure failure = rollover->refusal;

    rollover->refusal = (Failure){ 0 };
    failure_amend(&failure, "The account keeps its previous key.");
    rollover_end_on_disk(rollover, account_new_key_remove(rollover->directory), &failure);
}

/* Takes the CA's answer to the search for the new key's account. */
static void on_asked(const SessionReply *reply, void *userdata)
{
    Rollover *rollover = userdata;
    Failure failure = { 0 };

    rollover->call = NULL;
    if (reply->problem && streq(problem_type(reply->problem), "accountDoesNotExist"))
        on_not_taken(rollover);
    else if (reply->error == 0 && reply->status == 200) /* 201: an account that is new */
        on_taken(rollover);
    else {
        failure_set_reply(&failure, reply, "to confirm the account key");
        failure_amend(&failure, "Both keys are kept until the CA confirms which one is valid.");
        rollover_end(rollover, &failure);
    }
}

static int ask_which_key(Rollover *rollover)
{
    session_set_key(rollover->session, rollover->new);
    return registration_request(rollover->session, &(RegistrationRequest){ .only_existing = true },
                                on_asked, rollover, &rollover->call);
}

static void on_changed(const SessionReply *reply, void *userdata)
{
    Rollover *rollover = userdata;
    int r;

    rollover->call = NULL;
    if (reply->error == 0 && reply->status == 200) {
        on_taken(rollover);
        return;
    }
    /* If the answer was lost, has another status, or came from a proxy, the CA may have changed the
     * key all the same.
     */
    failure_set_reply(&rollover->refusal, reply, "to change the account key");
    r = ask_which_key(rollover);
    if (r < 0) {
        Failure failure = { 0 };

        failure_set(&failure, LOG_EVENT_ACCOUNT_UNUSABLE, 500, 0,
                    "The server cannot ask the CA which account key is valid: %s.", strerror(-r));
        rollover_end(rollover, &failure);
    }
}

/* Signs {"account": …, "oldKey": …} with the new key (RFC 8555 §7.3.5). */
static int pack_change(const RolloverPlan *plan, json_t **ret)
{
    _cleanup_free_ char *payload = NULL;
    json_auto_t *jwk = NULL, *change = NULL;
    int r = jwk_from_key(plan->old, &jwk);

    if (r < 0)
        return r;
    change = json_pack("{sssO}", "account", plan->account, "oldKey", jwk);
    payload = change ? json_dumps(change, JSON_COMPACT) : NULL;
    if (!payload)
        return -ENOMEM;
    return jws_sign(plan->new, &(JwsHeader){ .url = plan->url }, payload, ret);
}

static int rollover_new(Session *session, const char *directory, rollover_cb callback,
                        void *userdata, Rollover **ret)
{
    _cleanup_(rollover_cancelp) Rollover *rollover = calloc(1, sizeof(*rollover));
    int r;

    if (!rollover)
        return -ENOMEM;
    rollover->lock_fd = -EBADF;
    rollover->session = session_ref(session);
    rollover->callback = callback;
    rollover->userdata = userdata;
    rollover->directory = strdup(directory);
    if (!rollover->directory)
        return -ENOMEM;
    r = account_dir_lock(directory);
    if (r < 0)
        return r;
    rollover->lock_fd = r;
    *ret = TAKE_PTR(rollover);
    return 0;
}

int rollover_start(Session *session, const char *directory, const RolloverPlan *plan,
                   rollover_cb callback, void *userdata, Rollover **ret)
{
    _cleanup_(rollover_cancelp) Rollover *rollover = NULL;
    json_auto_t *payload = NULL;
    int r = pack_change(plan, &payload);

    if (r >= 0)
        r = rollover_new(session, directory, callback, userdata, &rollover);
    if (r >= 0)
        r = account_new_key_save(directory, plan->new);
    if (r < 0)
        return r;
    EVP_PKEY_up_ref(plan->new);
    rollover->new = plan->new;
    r = session_post(session, &(SessionRequest){ .url = plan->url, .payload = payload }, on_changed,
                     rollover, &rollover->call);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(rollover);
    return 0;
}

/* Whether the account in the directory is at another CA. 0, -EXDEV or other -errno. */
static int check_server(const Session *session, const char *directory,
                        char why[ACCOUNT_KEY_WHY_SIZE])
{
    _cleanup_free_ char *elsewhere = NULL;
    json_auto_t *registration = NULL;
    int r = account_registration_load(directory, &registration);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        (void)snprintf(why, ACCOUNT_KEY_WHY_SIZE, ACCOUNT_REGISTRATION_FILE ": %s",
                       account_registration_words(r));
    else
        r = registration_leave(registration, session_server(session), &elsewhere);
    if (r < 0)
        return r;
    return elsewhere ? -EXDEV : 0;
}

int rollover_resume(Session *session, const char *directory, char why[ACCOUNT_KEY_WHY_SIZE],
                    rollover_cb callback, void *userdata, Rollover **ret)
{
    _cleanup_(rollover_cancelp) Rollover *rollover = NULL;
    int r;

    if (!account_new_key_exists(directory))
        return 0;
    *why = '\0';
    r = rollover_new(session, directory, callback, userdata, &rollover);
    if (r == -EBUSY)
        return 0;
    if (r >= 0)
        r = account_new_key_load(directory, why, &rollover->new);
    if (r == -ENOENT) /* the process that held the lock has just completed it */
        return 0;
    if (r >= 0)
        r = check_server(session, directory, why);
    if (r >= 0)
        r = ask_which_key(rollover);
    if (r < 0 && !*why)
        (void)snprintf(why, ACCOUNT_KEY_WHY_SIZE, "%s", strerror(-r));
    if (r < 0)
        return r;
    *ret = TAKE_PTR(rollover);
    return 1;
}
