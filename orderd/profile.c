/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "profile.h"

#include "log.h"
#include "strv.h"

struct ProfileCheck {
    Session *session;
    Config *config;
    SessionCall *call;
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

static void log_not_offered(const AuthBlock *auth, const json_t *directory)
{
    _cleanup_free_ char *list = list_offered(directory);

    log_event(LOG_EVENT_PROFILE_NOT_OFFERED, NULL,
              "[auth \"%s\"] asks for the profile '%s', which the CA does not offer (%s)",
              auth->name, auth->profile, str_or(list, "?"));
}

static void on_directory(const SessionReply *reply, void *userdata)
{
    ProfileCheck *check = userdata;
    const Config *config = check->config;
    _cleanup_strv_ char **seen = NULL;

    check->call = NULL;
    if (reply->error < 0)
        return;
    /* Each profile once, however many blocks have it. */
    for (size_t i = 0; i < config->n_auth; i++) {
        const AuthBlock *auth = config->auth[i];

        if (!auth->profile || strv_contains(seen, auth->profile))
            continue;
        if (strv_extend(&seen, auth->profile) < 0)
            return;
        if (!profile_is_offered(reply->json, auth->profile))
            log_not_offered(auth, reply->json);
    }
}

static bool names_profile(const Config *config)
{
    for (size_t i = 0; i < config->n_auth; i++)
        if (config->auth[i]->profile)
            return true;
    return false;
}

ProfileCheck *profile_check_free(ProfileCheck *check)
{
    if (!check)
        return NULL;
    session_call_cancel(check->call);
    session_unref(check->session);
    config_unref(check->config);
    free(check);
    return NULL;
}

DEFINE_CLEANUP_FUNC(ProfileCheck *, profile_check_free)

int profile_check_new(Session *session, Config *config, ProfileCheck **ret)
{
    _cleanup_(profile_check_freep) ProfileCheck *check = NULL;
    int r;

    if (!names_profile(config)) {
        *ret = NULL;
        return 0;
    }
    check = calloc(1, sizeof(*check));
    if (!check)
        return -ENOMEM;
    check->session = session_ref(session);
    check->config = config_ref(config);
    r = session_directory(session, on_directory, check, &check->call);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(check);
    return 0;
}
