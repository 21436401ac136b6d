/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The directory of a CA: an HTTP status and a media type in the first line, then the body. The
 * functions of fetch.h below take the place of fetch.c, and answer with the input. */

#include "libacme/transport/directory.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>

#include "accounts/profile.h"
#include "input-file.h"
#include "libacme/account/registration.h"
#include "libacme/failure.h"
#include "libacme/renewal-info.h"
#include "statedir/session-record.h"
#include "strings/strv.h"

#define URL "https://ca.example/directory"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The request in progress. */
struct Fetch {
    fetch_cb callback;
    void *userdata;
};

static Fetch fetch;

int fetcher_start(Fetcher *fetcher, const FetchRequest *request, fetch_cb callback, void *userdata,
                  Fetch **ret)
{
    (void)fetcher;
    if (!streq(request->url, URL) || request->body || fetch.callback)
        abort();
    fetch = (Fetch){ callback, userdata };
    *ret = &fetch;
    return 0;
}

Fetch *fetch_cancel(Fetch *cancelled)
{
    (void)cancelled;
    fetch = (Fetch){ 0 };
    return NULL;
}

int fetcher_new(sd_event *event, const FetchRoute *route, Fetcher **ret)
{
    (void)event;
    (void)route;
    (void)ret;
    abort(); /* for session.c, which this target does not use */
}

Fetcher *fetcher_unref(Fetcher *fetcher)
{
    (void)fetcher;
    return NULL;
}

static void answer(const FetchResult *result)
{
    Fetch answered = fetch;

    fetch = (Fetch){ 0 };
    answered.callback(result, answered.userdata);
}

/* It becomes JSON and a line of the journal. Frees the failure. */
static void check_failure(Failure *failure)
{
    json_auto_t *text = failure->reason ? json_string(failure->reason) : NULL;

    if (!text || !failure->status)
        abort();
    for (const char *c = failure->reason; *c; c++)
        if (iscntrl((unsigned char)*c))
            abort();
    failure_done(failure);
}

static void on_directory(const SessionReply *reply, void *userdata)
{
    Failure failure = { 0 };
    int *error = userdata;

    *error = reply->error;
    if (reply->error == 0)
        return;
    if (reply->error != -EBADMSG || !reply->error_text)
        abort();
    failure_set_reply(&failure, reply, "for its directory");
    check_failure(&failure);
}

/* What is kept for the next start is accepted there. */
static void keep(const json_t *object)
{
    _cleanup_(ca_directory_freep) CaDirectory *directory = NULL;
    SessionRecord record = { 0 };
    time_t now = time(NULL);
    int r = session_record_save(input_place(), URL, object, now), error;

    if (r == -E2BIG)
        return;
    if (r < 0 || session_record_take(input_place(), URL, now, &record) < 0 ||
        !json_equal(record.directory, object) ||
        ca_directory_new(NULL, URL, on_directory, &error, &directory) < 0 ||
        ca_directory_set(directory, record.directory, 0) < 0 || ca_directory_need(directory) != 1)
        abort();
    session_record_done(&record);
}

static void use(const CaDirectory *directory)
{
    static const char *const resources[] = { "newNonce", "newAccount", "newOrder" };
    const json_t *object = ca_directory_object(directory);
    Failure failure = { 0 };

    for (size_t i = 0; i < ELEMENTSOF(resources); i++) {
        const char *url = ca_directory_resource(directory, resources[i]);

        if (!url || strncmp(url, "https://", STRLEN("https://")) != 0)
            abort();
    }
    (void)directory_terms(object);
    if (renewal_info_is_offered(object) != !!ca_directory_resource(directory, "renewalInfo"))
        abort();
    if (!profile_is_offered(object, "classic")) {
        profile_set_failure(&failure, object, "classic");
        check_failure(&failure);
    }
    keep(object);
}

static void fetch_again(CaDirectory *directory, const FetchResult *result, const int *error)
{
    const json_t *object = ca_directory_object(directory);

    if (ca_directory_need(directory) != 1)
        abort();
    ca_directory_expire(directory);
    if (ca_directory_need(directory) != 0)
        abort();
    answer(&(FetchResult){
        .status = 503, .body = "", .content_type = "", .retry_after = result->retry_after });
    /* The old directory stays, but is not fresh. */
    if (*error == 0 || ca_directory_object(directory) != object ||
        ca_directory_need(directory) != 0)
        abort();
    answer(result);
    if (*error < 0 || ca_directory_need(directory) != 1)
        abort();
}

static void read_directory(const FetchResult *result)
{
    _cleanup_(ca_directory_freep) CaDirectory *directory = NULL;
    int error = 1;

    if (ca_directory_new(NULL, URL, on_directory, &error, &directory) < 0 ||
        !streq(ca_directory_url(directory), URL) || ca_directory_need(directory) != 0 ||
        ca_directory_need(directory) != 0)
        abort();
    answer(result);
    if (!ca_directory_object(directory) != (error < 0))
        abort();
    if (error < 0)
        return;
    use(directory);
    fetch_again(directory, result, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = strndup((const char *)data, size);
    char *body = text ? strchr(text, '\n') : NULL, *type;

    if (!body)
        return 0;
    *body++ = '\0';
    type = text + strspn(text, "0123456789");
    read_directory(&(FetchResult){ .status = (long)(strtoul(text, NULL, 10) % 1000),
                                   .body = body,
                                   .size = strlen(body),
                                   .content_type = type + strspn(type, " ") });
    return 0;
}
