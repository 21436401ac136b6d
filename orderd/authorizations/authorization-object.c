/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "authorizations/authorization-object.h"

#include "libacme/transport/problem.h"
#include "statedir/challenges/challenge.h"
#include "strings/text.h"
#include "x509/dns-name.h"

char *authorization_object_name(const json_t *object)
{
    const json_t *identifier = json_object_get(object, "identifier");
    const char *value = json_string_value(json_object_get(identifier, "value"));
    char *name = value && strlen(value) <= DNS_NAME_MAX ? strdup(value) : NULL;

    if (name)
        text_flatten(name);
    return name;
}

static const json_t *find_error(const json_t *challenges)
{
    json_t *challenge;
    size_t i;

    json_array_foreach (challenges, i, challenge)
        if (challenge_object_has_error(challenge))
            return json_object_get(challenge, "error");
    return NULL;
}

/* Explains a type that means something else here than in the rest of ACME; NULL: it does not. */
static const char *explain(const char *type)
{
    static const struct {
        const char *type, *clause;
    } table[] = {
        { "rejectedIdentifier",
          "some CAs report this for a wrong response to the challenge: check that "
          "the requests of the CA for this name reach acmems" },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        if (streq(table[i].type, type))
            return table[i].clause;
    return NULL;
}

void authorization_object_set_invalid(const json_t *challenges, const char *name, Failure *ret)
{
    const json_t *error = find_error(challenges);
    _cleanup_free_ char *said = error ? problem_describe(error) : NULL;
    const char *clause = explain(problem_type(error));

    failure_set(ret, LOG_EVENT_ORDER_FAILED_AT_CA, 421, 0, "%s: %s%s%s%s", name,
                str_or(said, "the CA gave no reason"), clause ? " (" : "", str_or(clause, ""),
                clause ? ")" : "");
    failure_set_type(ret, problem_type(error));
}

const json_t *challenge_object_find(const json_t *challenges, const char *type)
{
    json_t *challenge;
    size_t i;

    json_array_foreach (challenges, i, challenge) {
        const char *t = json_string_value(json_object_get(challenge, "type"));

        if (t && streq(t, type))
            return challenge;
    }
    return NULL;
}

bool challenge_object_read(const json_t *challenge, const char **ret_token, const char **ret_url)
{
    const char *token = json_string_value(json_object_get(challenge, "token"));
    const char *url = session_url(challenge, "url");

    if (!token || !url || !challenge_token_is_valid(token))
        return false;
    *ret_token = token;
    *ret_url = url;
    return true;
}

/* A CA may leave it out. */
static const char *status_of(const json_t *challenge)
{
    return str_or(json_string_value(json_object_get(challenge, "status")), "pending");
}

bool challenge_object_is_pending(const json_t *challenge)
{
    return streq(status_of(challenge), "pending");
}

bool challenge_object_is_invalid(const json_t *challenge)
{
    return streq(status_of(challenge), "invalid");
}

bool challenge_object_is_processing(const json_t *challenge)
{
    return streq(status_of(challenge), "processing");
}

bool challenge_object_has_error(const json_t *challenge)
{
    return json_is_object(json_object_get(challenge, "error"));
}
