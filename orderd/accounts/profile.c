/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "accounts/profile.h"

#include "log/log.h"
#include "strings/strv.h"

/* What is asked of one CA. */
typedef struct DirectoryQuestion {
    const ProfileCheck *check;
    const AccountBlock *account;
    Session *session;
    SessionCall *call;
} DirectoryQuestion;

struct ProfileCheck {
    Config *config;
    DirectoryQuestion *questions; /* one for each account of the config */
};

static const json_t *offered(const json_t *directory)
{
    return json_object_get(json_object_get(directory, "meta"), "profiles");
}

bool profile_is_offered(const json_t *directory, const char *profile)
{
    return json_object_get(offered(directory), profile);
}

/* "classic, tlsserver"; "none at all". */
static char *list_offered(const json_t *directory)
{
    _cleanup_strv_ char **names = NULL;
    const char *name;
    json_t *value;

    /* Not written to: jansson has no other way to go through an object. */
    json_object_foreach ((json_t *)(uintptr_t)offered(directory), name, value)
        if (strv_extend(&names, name) < 0)
            return NULL;
    strv_sort(names);
    return names ? strv_join(names, ", ") : strdup("none at all");
}

void profile_set_failure(Failure *failure, const json_t *directory, const char *profile)
{
    _cleanup_free_ char *list = list_offered(directory);

    failure_set(failure, LOG_EVENT_ORDER_FAILED_AT_CA, 500, 0,
                "The CA does not offer the profile '%s' that the server is to ask for: its "
                "administrator sets profile to one that it offers (%s).",
                profile, str_or(list, "?"));
}

static void log_not_offered(const AuthBlock *auth, const char *profile, const json_t *directory)
{
    _cleanup_free_ char *list = list_offered(directory);

    log_event(LOG_EVENT_PROFILE_NOT_OFFERED, NULL,
              "[auth \"%s\"] asks for the profile '%s', which the CA does not offer (%s): its "
              "requests are refused",
              auth->name, profile, str_or(list, "?"));
}

/* The profile that the block asks this account's CA for; NULL: none, or it does not ask it. */
static const char *asked_for(const AuthBlock *auth, const AccountBlock *account)
{
    for (size_t i = 0; i < auth->n_accounts; i++)
        if (auth->accounts[i] == account)
            return auth_profile(auth, account);
    return NULL;
}

static void on_directory(const SessionReply *reply, void *userdata)
{
    DirectoryQuestion *question = userdata;
    const Config *config = question->check->config;
    _cleanup_strv_ char **seen = NULL;

    question->call = NULL;
    if (reply->error < 0)
        return;
    /* Each profile once, however many blocks have it. */
    for (size_t i = 0; i < config->n_auth; i++) {
        const char *profile = asked_for(config->auth[i], question->account);

        if (!profile || strv_contains(seen, profile))
            continue;
        if (strv_extend(&seen, profile) < 0)
            return;
        if (!profile_is_offered(reply->json, profile))
            log_not_offered(config->auth[i], profile, reply->json);
    }
}

static bool is_worth_asking(const Config *config, const AccountBlock *account)
{
    for (size_t i = 0; i < config->n_auth; i++)
        if (asked_for(config->auth[i], account))
            return true;
    return false;
}

ProfileCheck *profile_check_free(ProfileCheck *check)
{
    if (!check)
        return NULL;
    for (size_t i = 0; check->questions && i < check->config->n_accounts; i++) {
        session_call_cancel(check->questions[i].call);
        session_unref(check->questions[i].session);
    }
    free(check->questions);
    config_unref(check->config);
    free(check);
    return NULL;
}

DEFINE_CLEANUP_FUNC(ProfileCheck *, profile_check_free)

static int ask(const ProfileCheck *check, Accounts *accounts, const AccountBlock *block,
               DirectoryQuestion *question)
{
    Account *account;
    int r = accounts_get(accounts, check->config, block, &account);

    if (r < 0)
        return r;
    question->check = check;
    question->account = block;
    question->session = session_ref(account_session(account));
    return session_directory(question->session, on_directory, question, &question->call);
}

int profile_check_new(Accounts *accounts, Config *config, ProfileCheck **ret)
{
    _cleanup_(profile_check_freep) ProfileCheck *check = calloc(1, sizeof(*check));
    int r;

    if (!check)
        return -ENOMEM;
    check->config = config_ref(config);
    check->questions = calloc(config->n_accounts, sizeof(*check->questions));
    if (!check->questions)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_accounts; i++) {
        const AccountBlock *block = config->accounts[i];

        r = is_worth_asking(config, block) ? ask(check, accounts, block, &check->questions[i]) : 0;
        if (r < 0)
            log_warning_errno(r, "The CA at %s cannot be asked for its profiles: %m",
                              block->server);
    }
    *ret = TAKE_PTR(check);
    return 0;
}
