/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "authorizations/authorization.h"

#include <stdio.h>

#include "authorizations/authorization-object.h"
#include "authorizations/identifier.h"
#include "authorizations/verification-choice.h"
#include "challenges/solvers.h"
#include "event/timer.h"
#include "log/log.h"

/* If trouble outlasts a pause of this length, the order handles it. */
#define PAUSE_MAX (20 * USEC_PER_SEC)

/* A CA may leave a challenge pending or processing after an attempt that failed, with the error in
 * it (RFC 8555 §8.2). If it is pending, the CA is told to try again after this time, then after
 * twice the time, and so on; if it is processing, the CA tries again by itself. After ATTEMPTS_MAX
 * the error is the result. Some client still waits then. */
#define ATTEMPT_AGAIN (5 * USEC_PER_SEC)
#define ATTEMPTS_MAX  (75 * USEC_PER_SEC)

struct Authorization {
    sd_event *event;
    Account *account;
    LogFields *log;
    const Demand *demand;
    const Solvers *solvers; /* NULL: the authorization is only read */
    Config *config;
    VerificationChoice choice;
    char *url;
    const Csr *csr;
    Identifier identifier; /* .name NULL: the CA has not asked for a name of the CSR yet */
    char *name;            /* as the CA wrote it first; NULL: it has not */
    char *challenge_url;
    void *publication; /* of the answer; NULL: there is none */
    ChallengeGroup *group;
    bool undecided;       /* counted in the group */
    bool published;       /* the answer is where the CA finds it */
    bool told;            /* the CA was asked to validate; whether it received that is unknown */
    Failure refusal;      /* why the CA refused that; .status 0: it did not */
    usec_t failing_since; /* when the first failed attempt was seen; 0: none */
    usec_t told_again;    /* when the CA was last told to try again */
    SessionCall *call;
    sd_event_source *timer;
    Poll poll;
    Backoff backoff;
    authorization_cb callback;
    void *userdata;
};

static void authorization_fetch(Authorization *a);

const char *authorization_name(const Authorization *a)
{
    return str_or(a->identifier.name, str_or(a->name, "?"));
}

char *authorization_waits_for(Authorization *a)
{
    return a->publication && a->choice.solver->waits_for
               ? a->choice.solver->waits_for(a->publication)
               : NULL;
}

static void authorization_withdraw(Authorization *a)
{
    if (a->publication)
        a->choice.solver->withdraw(TAKE_PTR(a->publication));
    a->published = false;
}

/* While an authorization is undecided, the others of its order wait. */
static void set_undecided(Authorization *a, bool undecided)
{
    if (undecided == a->undecided)
        return;
    a->undecided = undecided;
    if (undecided)
        challenge_group_enter(a->group);
    else
        challenge_group_leave(a->group, a->solvers);
}

Authorization *authorization_free(Authorization *a)
{
    if (!a)
        return NULL;
    authorization_withdraw(a);
    set_undecided(a, false);
    session_call_cancel(a->call);
    sd_event_source_disable_unref(a->timer);
    sd_event_unref(a->event);
    account_unref(a->account);
    config_unref(a->config);
    failure_done(&a->refusal);
    verification_choice_done(&a->choice);
    free(a->url);
    free(a->challenge_url);
    free(a->name);
    free(a);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Authorization *, authorization_free)

/* The callback may free the authorization: nothing touches it afterwards. */
static void authorization_end(Authorization *a, const Failure *failure)
{
    authorization_withdraw(a);
    set_undecided(a, false);
    (void)timer_disarm(a->timer);
    a->callback(a, failure, a->userdata);
}

/* The reason covers all verifications that were tried. */
static void authorization_end_with_all(Authorization *a, const Failure *failure)
{
    Failure all = { 0 };

    failure_copy(&all, failure);
    verification_choice_sum_up(&a->choice, authorization_name(a), &all);
    authorization_end(a, &all);
    failure_done(&all);
}

static void authorization_fail(Authorization *a, LogEvent event, int status, unsigned retry_after,
                               const char *why)
{
    Failure failure = { 0 };

    failure_set(&failure, event, status, retry_after, "%s: %s", authorization_name(a), why);
    authorization_end(a, &failure);
    failure_done(&failure);
}

static void authorization_fail_request(Authorization *a, int error)
{
    log_error_errno(error, "Failed to send a request for %s to the CA: %m", authorization_name(a));
    authorization_fail(
        a, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
        "The server failed to send a request to the CA. The server's journal says why.");
}

/* Whether the CA has not met the expected answer. Else it is about CAA or DNS, for example. */
static bool is_of_connection(const Failure *failure)
{
    static const char *const types[] = { "connection", "unauthorized", "incorrectResponse", "tls",
                                         "rejectedIdentifier" };

    for (size_t i = 0; failure->problem && i < ELEMENTSOF(types); i++)
        if (streq(failure->problem, types[i]))
            return true;
    return false;
}

/* Adds what this machine knows to the words of the CA. */
static void add_suspicion(const Authorization *a, Failure *failure)
{
    const Solver *solver = a->choice.solver;
    _cleanup_free_ char *why = NULL;

    if (failure->reason && solver && solver->suspects && is_of_connection(failure))
        why = solver->suspects(verification_choice_current(&a->choice));
    if (why)
        failure_reword(failure, "%s (%s)", failure->reason, why);
}

static void authorization_fail_invalid(Authorization *a, const json_t *challenges)
{
    Failure failure = { 0 };

    authorization_object_set_invalid(challenges, authorization_name(a), &failure);
    add_suspicion(a, &failure);
    /* If the first verification was the one tried, its name adds nothing. */
    if (a->choice.said)
        verification_choice_note(&a->choice, authorization_name(a), &failure);
    authorization_end_with_all(a, &failure);
    failure_done(&failure);
}

static void schedule(Authorization *a, usec_t delay)
{
    if (timer_arm(a->timer, delay) < 0)
        authorization_fail(a, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
                           "The server is out of memory. Try again later.");
}

/* After an attempt that failed, the last look comes when ATTEMPTS_MAX ends, whatever Retry-After
 * says. */
static void schedule_poll(Authorization *a, unsigned retry_after)
{
    usec_t delay = demand_shorten(a->demand, poll_next(&a->poll, retry_after));
    usec_t end = a->failing_since + ATTEMPTS_MAX, now = now_monotonic();

    if (a->failing_since > 0 && now < end && delay > end - now)
        delay = end - now;
    schedule(a, delay);
}

void authorization_hurry(Authorization *a)
{
    usec_t left = timer_left(a->timer);

    if (demand_shorten(a->demand, left) < left)
        (void)timer_arm(a->timer, demand_shorten(a->demand, left));
}

/* The CA may be reading the published answer at this moment, so passing trouble only pauses. The
 * failure is taken over. */
static void authorization_end_or_pause(Authorization *a, Failure *failure)
{
    usec_t delay = backoff_next(&a->backoff, failure->pause);

    if (failure->passing && a->publication && delay <= PAUSE_MAX)
        schedule(a, delay);
    else
        authorization_end(a, failure);
    failure_done(failure);
}

static void authorization_fail_reply(Authorization *a, const SessionReply *reply,
                                     const char *purpose)
{
    Failure failure = { 0 };

    failure_set_reply(&failure, reply, purpose);
    authorization_end_or_pause(a, &failure);
}

/* The CA's answer makes no sense. A later one may. */
static void authorization_fail_ca(Authorization *a, const char *why)
{
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503, 3600, "%s: %s", authorization_name(a),
                why);
    failure.passing = true;
    authorization_end_or_pause(a, &failure);
}

static void on_told(const SessionReply *reply, void *userdata)
{
    Authorization *a = userdata;
    Failure failure = { 0 };

    LOG_CONTEXT(a->log);
    a->call = NULL;
    if (!session_reply_is_good(reply)) {
        failure_set_reply(&failure, reply, "to start a validation");
        if (failure.passing) {
            a->told = false;
            authorization_end_or_pause(a, &failure);
            return;
        }
        /* Two orders can share an authorization, so a refusal may only mean that the challenge was
         * tried already. The state of the authorization shows it. */
        failure_done(&a->refusal);
        a->refusal = failure;
    }
    schedule_poll(a, reply->retry_after);
}

static void authorization_tell(Authorization *a)
{
    json_auto_t *empty = json_object();
    int r;

    a->told = true;
    r = session_post(account_session(a->account),
                     &(SessionRequest){ .url = a->challenge_url, .payload = empty }, on_told, a,
                     &a->call);
    if (r < 0)
        authorization_fail_request(a, r);
}

/* The CA has not been told to validate, so the block's next verification can still be used. */
static void authorization_pass_over(Authorization *a, const Failure *failure)
{
    verification_choice_note(&a->choice, authorization_name(a), failure);
    if (!verification_choice_has_next(&a->choice)) {
        authorization_end_with_all(a, failure);
        return;
    }
    /* Before authorization_withdraw(), so that the group never looks complete in between. */
    set_undecided(a, true);
    authorization_withdraw(a);
    verification_choice_next(&a->choice, authorization_name(a), failure);
    authorization_fetch(a);
}

static void on_published(const Failure *failure, void *userdata)
{
    Authorization *a = userdata;

    LOG_CONTEXT(a->log);
    a->published = !failure;
    if (failure)
        authorization_pass_over(a, failure);
    else
        authorization_tell(a);
}

static void on_not_published(Authorization *a)
{
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
                "%s: The server failed to answer the challenge. The server's journal says why.",
                authorization_name(a));
    authorization_pass_over(a, &failure);
    failure_done(&failure);
}

static void fail_not_offered(Authorization *a, const json_t *challenges)
{
    Failure failure = { 0 };

    if (!a->choice.unpublished.status && json_array_size(challenges) == 0) {
        authorization_fail_ca(a, "The CA sent an invalid challenge. Try again later.");
        return;
    }
    verification_choice_set_failure(&a->choice, authorization_name(a), &failure);
    authorization_end(a, &failure);
    failure_done(&failure);
}

static int authorization_publish(Authorization *a, const char *token)
{
    _cleanup_free_ char *key_authorization = NULL;
    Challenge challenge = {
        .config = a->config,
        .verification = verification_choice_current(&a->choice),
        .name = authorization_name(a),
        .token = token,
        .account_url = account_url(a->account),
        .group = a->group,
    };
    int r;

    if (asprintf(&key_authorization, "%s.%s", token, account_thumbprint(a->account)) < 0) {
        key_authorization = NULL;
        return -ENOMEM;
    }
    challenge.key_authorization = key_authorization;
    r = a->choice.solver->publish(a->solvers, &challenge, on_published, a, &a->publication);
    if (r >= 0)
        set_undecided(a, false);
    return r;
}

static int keep_challenge_url(Authorization *a, const char *url)
{
    free(a->challenge_url);
    a->challenge_url = strdup(url);
    return a->challenge_url ? 0 : -ENOMEM;
}

static void on_objection(Authorization *a, const char *why)
{
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_CHALLENGE_NOT_PUBLISHED, 421, 0, "%s: %s",
                authorization_name(a), why);
    authorization_pass_over(a, &failure);
    failure_done(&failure);
}

/* The CA is told to validate once the answer is published: at once, or from on_published(). */
static void answer_challenge(Authorization *a, const json_t *challenges)
{
    const json_t *challenge = verification_choice_challenge(&a->choice, challenges);
    const char *why =
        solver_objects(verification_choice_current(&a->choice), authorization_name(a));
    const char *token, *url;
    int r;

    if (why) {
        on_objection(a, why);
        return;
    }
    if (!challenge_object_read(challenge, &token, &url)) {
        authorization_fail_ca(a, "The CA sent an invalid challenge. Try again later.");
        return;
    }
    r = keep_challenge_url(a, url);
    if (r >= 0 && !a->published) {
        r = authorization_publish(a, token);
        a->published = r > 0;
    }
    if (r < 0)
        on_not_published(a);
    else if (a->published)
        authorization_tell(a);
}

/* Whether the authorization is for a name of the order, and always for the same one. */
static bool identify(Authorization *a, const json_t *answer)
{
    Identifier found;

    if (!identifier_find(answer, a->csr, &found) ||
        (a->identifier.name && a->identifier.name != found.name))
        return false;
    a->identifier = found;
    a->choice.is_wildcard = found.is_wildcard;
    a->choice.is_address = found.is_address;
    return true;
}

static void authorization_fail_foreign(Authorization *a, const json_t *answer)
{
    _cleanup_free_ char *asked = identifier_describe(answer);
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503, 3600,
                "The CA asked for the validation of %s, which is not a name of this order. acmems "
                "published nothing for it and ended the order. The server's administrator must "
                "ask the CA for the reason.",
                str_or(asked, "a name that it did not send"));
    authorization_end(a, &failure);
    failure_done(&failure);
}

static void on_dropped(Authorization *a, const SessionReply *reply)
{
    (void)reply;
    authorization_fail(
        a, LOG_EVENT_ORDER_FAILED_AT_CA, 503, 60,
        "The CA withdrew an authorization before the order was complete. Try again.");
}

/* Takes note of an attempt that failed, in a challenge that is still pending or processing. Returns
 * whether the authorization has ended by it. */
static bool note_attempt(Authorization *a, const json_t *challenges)
{
    const json_t *challenge = verification_choice_challenge(&a->choice, challenges);
    usec_t now = now_monotonic();

    if (!challenge_object_has_error(challenge))
        return false;
    if (a->failing_since == 0)
        a->failing_since = a->told_again = now;
    if (now - a->failing_since >= ATTEMPTS_MAX) {
        authorization_fail_invalid(a, challenges);
        return true;
    }
    if (challenge_object_is_pending(challenge) &&
        now - a->told_again >= ATTEMPT_AGAIN + a->told_again - a->failing_since) {
        a->told_again = now;
        a->told = false;
    }
    return false;
}

/* An earlier order may have left it so: then the block's next verification can still be used. */
static void on_challenge_invalid(Authorization *a, const json_t *challenges)
{
    Failure failure = { 0 };

    if (a->told) {
        authorization_fail_invalid(a, challenges);
        return;
    }
    authorization_object_set_invalid(challenges, authorization_name(a), &failure);
    authorization_pass_over(a, &failure);
    failure_done(&failure);
}

static void on_pending(Authorization *a, const SessionReply *reply)
{
    const json_t *challenges = json_object_get(reply->json, "challenges"), *challenge;
    bool is_pending;

    if (!a->solvers) {
        on_dropped(a, reply);
        return;
    }
    if (!identify(a, reply->json)) {
        authorization_fail_foreign(a, reply->json);
        return;
    }
    if (!verification_choice_find(&a->choice, challenges)) {
        fail_not_offered(a, challenges);
        return;
    }
    challenge = verification_choice_challenge(&a->choice, challenges);
    if (challenge_object_is_invalid(challenge)) {
        on_challenge_invalid(a, challenges);
        return;
    }
    is_pending = challenge_object_is_pending(challenge);
    if (a->told && (is_pending || challenge_object_is_processing(challenge)) &&
        note_attempt(a, challenges))
        return;
    /* Told once more if the first request did not arrive. */
    if (!a->published || (!a->told && is_pending))
        answer_challenge(a, challenges);
    else if (a->refusal.status && challenge_object_has_error(challenge))
        /* It does not try again: the attempt that failed says more than its refusal. */
        authorization_fail_invalid(a, challenges);
    else if (a->refusal.status && is_pending)
        authorization_end(a, &a->refusal);
    else
        schedule_poll(a, reply->retry_after);
}

static void on_valid(Authorization *a, const SessionReply *reply)
{
    (void)reply;
    authorization_end(a, NULL);
}

static void on_invalid(Authorization *a, const SessionReply *reply)
{
    authorization_fail_invalid(a, json_object_get(reply->json, "challenges"));
}

/* RFC 8555 §7.1.6 */
static const struct {
    const char *status;
    void (*act)(Authorization *a, const SessionReply *reply);
} states[] = {
    { "pending", on_pending },     { "processing", on_pending }, { "valid", on_valid },
    { "invalid", on_invalid },     { "expired", on_dropped },    { "revoked", on_dropped },
    { "deactivated", on_dropped },
};

static void on_authorization(const SessionReply *reply, void *userdata)
{
    Authorization *a = userdata;
    const char *status = json_string_value(json_object_get(reply->json, "status"));

    LOG_CONTEXT(a->log);
    a->call = NULL;
    if (!session_reply_is_good(reply) || !status) {
        authorization_fail_reply(a, reply, "for an authorization");
        return;
    }
    if (!a->name)
        a->name = authorization_object_name(reply->json);
    for (size_t i = 0; i < ELEMENTSOF(states); i++)
        if (streq(states[i].status, status)) {
            states[i].act(a, reply);
            return;
        }
    authorization_fail_ca(
        a, "The CA reports an authorization state that acmems does not know. Try again later.");
}

static void authorization_fetch(Authorization *a)
{
    int r;

    r = session_post(account_session(a->account), &(SessionRequest){ .url = a->url },
                     on_authorization, a, &a->call);
    if (r < 0)
        authorization_fail_request(a, r);
}

static int authorization_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Authorization *a = userdata;

    (void)source;
    (void)usec;
    LOG_CONTEXT(a->log);
    authorization_fetch(a);
    return 0;
}

int authorization_start(const AuthorizationTask *task, const char *url, authorization_cb callback,
                        void *userdata, Authorization **ret)
{
    _cleanup_(authorization_freep) Authorization *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return -ENOMEM;
    a->event = sd_event_ref(task->event);
    a->account = account_ref(task->account);
    a->log = task->log;
    a->demand = task->demand;
    a->solvers = task->solvers;
    a->group = task->group;
    a->csr = task->csr;
    a->config = config_ref(task->config);
    a->choice.auth = task->auth;
    a->callback = callback;
    a->userdata = userdata;
    a->url = strdup(url);
    if (!a->url)
        return -ENOMEM;
    /* The first fetch is made from the event loop, so that the callback never comes before this
     * function returns. */
    r = timer_start(task->event, 0, authorization_on_timer, a, &a->timer);
    if (r < 0)
        return r;
    set_undecided(a, a->solvers);
    *ret = TAKE_PTR(a);
    return 0;
}
