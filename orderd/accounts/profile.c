/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "accounts/profile.h"

#include "log/log.h"
#include "strings/strv.h"

/* The request for the directory of one CA. */
typedef struct ProfileQuery {
    const ProfileCheck *check;
    const AccountBlock *account;
    Session *session;
    SessionCall *call;
} ProfileQuery;

struct ProfileCheck {
    Config *config;
    ProfileQuery *queries; /* one for each account of the configuration */
};

static const json_t *offered_profiles(const json_t *directory)
{
    return json_object_get(json_object_get(directory, "meta"), "profiles");
}

bool profile_is_offered(const json_t *directory, const char *profile)
{
    return json_object_get(offered_profiles(directory), profile);
}

/* "classic, tlsserver"; "none". free() */
static char *format_offered(const json_t *directory)
{
    _cleanup_strv_ char **names = NULL;
    const char *name;
    json_t *value;

    /* jansson has no iterator for const objects. Nothing is written. */
    json_object_foreach ((json_t *)(uintptr_t)offered_profiles(directory), name, value)
        if (strv_extend(&names, name) < 0)
            return NULL;
    strv_sort(names);
    return names ? strv_join(names, ", ") : strdup("none");
}

void profile_set_failure(Failure *failure, const json_t *directory, const char *profile)
{
    _cleanup_free_ char *list = format_offered(directory);

    failure_set(failure, LOG_EVENT_ORDER_FAILED_AT_CA, 500, 0,
                "The CA does not offer the profile '%s' that the server is configured to use. "
                "The server's administrator must set profile to one that the CA offers (%s).",
                profile, str_or(list, "?"));
}

static void profile_log_not_offered(const AuthBlock *auth, const char *profile,
                                    const json_t *directory)
{
    _cleanup_free_ char *list = format_offered(directory);

    log_event(
        LOG_EVENT_PROFILE_NOT_OFFERED, NULL,
        "The CA does not offer profile '%s' of [auth \"%s\"]; it offers %s. Requests that use "
        "this block are refused until profile names one that it offers.",
        profile, auth->name, str_or(list, "?"));
}

/* The profile that the auth block requests with this account; NULL: none, or the block does not use
 * the account. */
static const char *profile_of(const AuthBlock *auth, const AccountBlock *account)
{
    for (size_t i = 0; i < auth->n_accounts; i++)
        if (auth->accounts[i] == account)
            return auth_profile(auth, account);
    return NULL;
}

static void profile_on_directory(const SessionReply *reply, void *userdata)
{
    ProfileQuery *query = userdata;
    const Config *config = query->check->config;
    _cleanup_strv_ char **seen = NULL;

    query->call = NULL;
    if (reply->error < 0)
        return;
    /* Each profile is logged once, however many blocks use it. */
    for (size_t i = 0; i < config->n_auth; i++) {
        const char *profile = profile_of(config->auth[i], query->account);

        if (!profile || strv_contains(seen, profile))
            continue;
        if (strv_extend(&seen, profile) < 0)
            return;
        if (!profile_is_offered(reply->json, profile))
            profile_log_not_offered(config->auth[i], profile, reply->json);
    }
}

static bool is_profile_wanted(const Config *config, const AccountBlock *account)
{
    for (size_t i = 0; i < config->n_auth; i++)
        if (profile_of(config->auth[i], account))
            return true;
    return false;
}

ProfileCheck *profile_check_free(ProfileCheck *check)
{
    if (!check)
        return NULL;
    for (size_t i = 0; check->queries && i < check->config->n_accounts; i++) {
        session_call_cancel(check->queries[i].call);
        session_unref(check->queries[i].session);
    }
    free(check->queries);
    config_unref(check->config);
    free(check);
    return NULL;
}

DEFINE_CLEANUP_FUNC(ProfileCheck *, profile_check_free)

static int profile_query_start(const ProfileCheck *check, Accounts *accounts,
                               const AccountBlock *block, ProfileQuery *query)
{
    Account *account;
    int r = accounts_get(accounts, check->config, block, &account);

    if (r < 0)
        return r;
    query->check = check;
    query->account = block;
    query->session = session_ref(account_session(account));
    return session_directory(query->session, profile_on_directory, query, &query->call);
}

int profile_check_new(Accounts *accounts, Config *config, ProfileCheck **ret)
{
    _cleanup_(profile_check_freep) ProfileCheck *check = calloc(1, sizeof(*check));
    int r;

    if (!check)
        return -ENOMEM;
    check->config = config_ref(config);
    check->queries = calloc(config->n_accounts, sizeof(*check->queries));
    if (!check->queries)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_accounts; i++) {
        const AccountBlock *block = config->accounts[i];

        r = is_profile_wanted(config, block)
                ? profile_query_start(check, accounts, block, &check->queries[i])
                : 0;
        if (r < 0)
            log_warning_errno(r, "Failed to ask the CA at %s for its profiles: %m", block->server);
    }
    *ret = TAKE_PTR(check);
    return 0;
}
