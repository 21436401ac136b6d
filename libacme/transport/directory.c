/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/directory.h"

#include <stdio.h>

#include "base/clock.h"
#include "statedir/session-record.h"

struct CaDirectory {
    Fetcher *fetcher;
    char *url;
    json_t *object;
    usec_t expiry;
    Fetch *fetch;
    ca_directory_cb callback;
    void *userdata;
};

static const char *find_lacking(const json_t *object)
{
    static const char *const needed[] = { "newNonce", "newAccount", "newOrder" };

    for (size_t i = 0; i < ELEMENTSOF(needed); i++)
        if (!session_url(object, needed[i]))
            return needed[i];
    return NULL;
}

/* Why an answer is no directory: "HTTP status 404", "it lacks newOrder". */
static char *explain(const SessionReply *reply)
{
    const char *lacking = find_lacking(reply->json);
    char *text;
    int n;

    if (!session_reply_is_good(reply) || !reply->json)
        return session_reply_describe(reply);
    if (json_object_get(reply->json, lacking))
        n = asprintf(&text, "its %s is no https URL", lacking);
    else
        n = asprintf(&text, "it lacks %s", lacking);
    return n < 0 ? NULL : text;
}

/* The URL may be right nevertheless. */
static bool is_overload(long status)
{
    return status >= 500 || status == 429;
}

int ca_directory_set(CaDirectory *directory, json_t *object, time_t age)
{
    if (find_lacking(object))
        return -EBADMSG;
    json_decref(directory->object);
    directory->object = json_incref(object);
    directory->expiry = now_monotonic() + (usec_t)(SESSION_DIRECTORY_AGE_MAX - age) * USEC_PER_SEC;
    return 0;
}

/* Why the URL that the configuration names does not lead to a CA. A CA that is down is no mistake
 * of the administrator. */
static const struct {
    int error;
    const char *advice;
} causes[] = {
    { -EHOSTUNREACH, "check acme-server and the DNS resolver of this machine" },
    { -ECONNREFUSED, "unless the CA is down, check acme-server and the firewall" },
    { -ETIMEDOUT, "unless the CA is down, check acme-server and the firewall" },
    { -EIO, "unless the CA is down, check acme-server" },
    { -EPROTONOSUPPORT, "check acme-server" },
    { -ENXIO, "check acme-server" },
    { -EKEYEXPIRED, "check the clock of this machine, and acme-server" },
    { -EKEYREJECTED, "check acme-server, and set ca-file in [account] if the CA is a private one" },
};

/* NULL: unknown. */
static const char *cause_of(int error)
{
    for (size_t i = 0; i < ELEMENTSOF(causes); i++)
        if (causes[i].error == error)
            return causes[i].advice;
    return NULL;
}

static void directory_on_fetched(const FetchResult *result, void *userdata)
{
    json_auto_t *json = NULL;
    _cleanup_free_ char *text = NULL;
    CaDirectory *directory = userdata;
    SessionReply reply = session_reply_read(result, &json);
    bool is_object = session_reply_is_good(&reply) && reply.json;

    directory->fetch = NULL;
    /* A URL that has led to a directory is the right one. */
    if (!directory->object && cause_of(reply.error) && reply.error_text) {
        if (asprintf(&text, "%s: %s", reply.error_text, cause_of(reply.error)) < 0)
            text = NULL;
        reply.error_text = str_or(text, reply.error_text);
    }
    if (reply.error == 0 && (!is_object || ca_directory_set(directory, json, 0) < 0)) {
        _cleanup_free_ char *why = explain(&reply);

        if (asprintf(&text, "%s does not answer with an ACME directory (%s)%s", directory->url,
                     str_or(why, "?"), is_overload(reply.status) ? "" : ": check acme-server") < 0)
            text = NULL;
        reply = (SessionReply){
            .error = -EBADMSG, .error_text = text, .retry_after = result->retry_after, .body = ""
        };
    }
    directory->callback(&reply, directory->userdata);
}

int ca_directory_need(CaDirectory *directory)
{
    if (directory->object && now_monotonic() < directory->expiry)
        return 1;
    if (directory->fetch)
        return 0;
    return fetcher_start(directory->fetcher,
                         &(FetchRequest){ .url = directory->url, .follow = true },
                         directory_on_fetched, directory, &directory->fetch);
}

void ca_directory_expire(CaDirectory *directory)
{
    directory->expiry = 0;
}

const json_t *ca_directory_object(const CaDirectory *directory)
{
    return directory->object;
}

const char *ca_directory_url(const CaDirectory *directory)
{
    return directory->url;
}

const char *ca_directory_resource(const CaDirectory *directory, const char *name)
{
    return session_url(directory->object, name);
}

int ca_directory_new(Fetcher *fetcher, const char *url, ca_directory_cb callback, void *userdata,
                     CaDirectory **ret)
{
    _cleanup_(ca_directory_freep) CaDirectory *directory = calloc(1, sizeof(*directory));

    if (!directory)
        return -ENOMEM;
    directory->fetcher = fetcher;
    directory->callback = callback;
    directory->userdata = userdata;
    directory->url = strdup(url);
    if (!directory->url)
        return -ENOMEM;
    *ret = TAKE_PTR(directory);
    return 0;
}

CaDirectory *ca_directory_free(CaDirectory *directory)
{
    if (!directory)
        return NULL;
    fetch_cancel(directory->fetch);
    json_decref(directory->object);
    free(directory->url);
    free(directory);
    return NULL;
}
