/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/failure.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "libacme/rate-limit.h"
#include "libacme/transport/polling.h"
#include "libacme/transport/problem.h"
#include "strings/text.h"

#define RETRY_SOON  60U
#define RETRY_LIMIT 3600U
#define SAID_MAX    500 /* bytes of what a CA says */

#define STATUS_NOT_FOUND       404 /* HTTP */
#define STATUS_NOT_IMPLEMENTED 501

#define CONFIG_PLACE "CONFIG" /* in an advice */

static bool speaks_to_administrator;
static const char *config_path = CONFIG_PLACE;
static const char *account_name = "";

void failure_speak_to_administrator(void)
{
    speaks_to_administrator = true;
}

void failure_name_config(const char *path)
{
    config_path = path;
}

void failure_name_account(const char *name)
{
    account_name = name;
}

char *failure_advice(const char *advice)
{
    const char *place = strstr(advice, CONFIG_PLACE);
    const char *after = place ? place + strlen(CONFIG_PLACE) : "";
    size_t before = place ? (size_t)(place - advice) : strlen(advice);
    bool has_account = *after == '\'' && *account_name; /* the end of a command */
    char *sentence;
    int n = asprintf(&sentence, "%s%.*s%s%s%s%s%s.",
                     speaks_to_administrator ? "" : "The server's administrator must ", (int)before,
                     advice, has_account ? "--account=" : "", has_account ? account_name : "",
                     has_account ? " " : "", place ? config_path : "", after);

    if (n < 0)
        return NULL;
    *sentence = (char)toupper((unsigned char)*sentence);
    return sentence;
}

void failure_done(Failure *failure)
{
    free(failure->reason);
    free(failure->problem);
    *failure = (Failure){ 0 };
}

/* The text contains words of the CA, and a client prints it on a terminal. */
static char *make_reason(const char *format, va_list arguments)
{
    char *reason;

    if (vasprintf(&reason, format, arguments) < 0)
        return NULL;
    text_flatten(reason);
    return reason;
}

void failure_set(Failure *failure, LogEvent event, int status, unsigned retry_after,
                 const char *format, ...)
{
    Failure new = { .event = event, .status = status, .retry_after = retry_after };
    va_list arguments;

    va_start(arguments, format);
    new.reason = make_reason(format, arguments);
    va_end(arguments);
    failure_done(failure);
    *failure = new;
}

void failure_copy(Failure *failure, const Failure *from)
{
    Failure new = *from;

    new.reason = from->reason ? strdup(from->reason) : NULL;
    new.problem = from->problem ? strdup(from->problem) : NULL;
    failure_done(failure);
    *failure = new;
}

static bool ends_sentence(const char *text)
{
    size_t length = strlen(text);

    return length > 0 && strchr(".!?", text[length - 1]);
}

void failure_amend(Failure *failure, const char *sentence)
{
    char *longer;

    if (!failure->reason || asprintf(&longer, "%s%s %s", failure->reason,
                                     ends_sentence(failure->reason) ? "" : ".", sentence) < 0)
        return;
    free(failure->reason);
    failure->reason = longer;
}

void failure_reword(Failure *failure, const char *format, ...)
{
    char *reason;
    va_list arguments;

    va_start(arguments, format);
    reason = make_reason(format, arguments);
    va_end(arguments);
    free(failure->reason);
    failure->reason = reason;
}

void failure_set_type(Failure *failure, const char *type)
{
    free(failure->problem);
    failure->problem = type && *type ? strdup(type) : NULL;
}

void failure_quote(Failure *failure, const json_t *problem)
{
    _cleanup_free_ char *said = problem_describe(problem);

    if (failure->reason)
        failure_reword(failure, "%s The CA said: %s", failure->reason, str_or(said, "?"));
    failure_set_type(failure, problem_type(problem));
}

void failure_set_problem(Failure *failure, const json_t *problem, unsigned retry_after)
{
    const Problem *meaning = problem_find(problem_type(problem));
    _cleanup_free_ char *said = problem_describe(problem);
    _cleanup_free_ char *advice = meaning->advice ? failure_advice(meaning->advice) : NULL;
    /* What an administrator must fix does not pass by itself. */
    bool is_told = meaning->retry_after > 0 || meaning->status < 500;

    if (retry_after == 0 && said)
        retry_after = rate_limit_left(said, time(NULL));
    failure_set(failure, LOG_EVENT_ORDER_FAILED_AT_CA, meaning->status,
                is_told && retry_after ? retry_after : meaning->retry_after,
                "%s%s%s The CA said: %s", meaning->sentence, advice ? " " : "", str_or(advice, ""),
                str_or(said, "?"));
    failure_set_type(failure, problem_type(problem));
    failure->passing = meaning->retry_after > 0;
    failure->elsewhere = meaning->elsewhere;
    failure->pause = retry_after;
}

/* s. Without a problem type, a time of days is taken for a mistake. */
static unsigned retry_after_of(const SessionReply *reply, unsigned otherwise)
{
    return reply->retry_after > 0 ? retry_after_cut(reply->retry_after) : otherwise;
}

/* An answer that no problem type explains: the HTTP status decides. */
static void set_unexpected(Failure *failure, const SessionReply *reply, const char *purpose)
{
    const char *detail = problem_detail(reply->problem ? reply->problem : reply->json);
    _cleanup_free_ char *said = NULL, *came = session_reply_describe(reply);
    bool is_limit = reply->status == 429;

    if (detail && asprintf(&said, " The CA said: %.*s", SAID_MAX, detail) < 0)
        said = NULL;
    if (is_limit)
        failure_set(failure, LOG_EVENT_ORDER_FAILED_AT_CA, 429, retry_after_of(reply, RETRY_LIMIT),
                    "The CA limits the rate of requests. Try again later.%s", str_or(said, ""));
    else
        failure_set(failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503, retry_after_of(reply, RETRY_SOON),
                    "The CA sent an unexpected answer to the request %s (%s). Try again later.%s",
                    purpose, str_or(came, "?"), str_or(said, ""));
}

/* If the type of a problem document says nothing, a status that does is the explanation. */
static bool is_explained(const SessionReply *reply)
{
    return reply->problem && (problem_is_known(problem_type(reply->problem)) ||
                              (reply->status < 500 && reply->status != 429));
}

/* Some CAs list a resource that they do not have, and answer with any problem type. */
static void set_unimplemented(Failure *failure, const SessionReply *reply, const char *purpose)
{
    failure_set(failure, LOG_EVENT_ORDER_FAILED_AT_CA, 500, 0,
                "The CA does not implement the request %s.", purpose);
    failure_quote(failure, reply->problem);
    failure->elsewhere = true;
}

/* RFC 8555 has no type for it. */
static bool is_gone(const SessionReply *reply)
{
    return reply->problem && reply->status == STATUS_NOT_FOUND &&
           streq(problem_type(reply->problem), "malformed");
}

static void set_gone(Failure *failure, const SessionReply *reply, const char *purpose)
{
    failure_set(failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503, RETRY_SOON,
                "The CA rejected the request %s: it does not know the URL, which it gave before. "
                "Try again later.",
                purpose);
    failure_quote(failure, reply->problem);
}

#define BAD_CA_FILE                                                                                \
    "set ca-file in [account] of CONFIG to a PEM file with CA certificates; acmemsctl check "      \
    "tells "                                                                                       \
    "what acmems-orderd can read"

/* The beginning of the sentence about an error without a usable answer. */
static const char *error_beginning(const SessionReply *reply)
{
    switch (reply->error) {
    case -ENOKEY:
        return "The file of trusted CA certificates ";
    case -EBADMSG:
        return reply->error_text ? "" : "The CA's answer cannot be used: ";
    case -EFBIG:
    case -ELOOP:
    case -EPROTO:
        return "The CA's answer cannot be used: ";
    case -EOPNOTSUPP:
    case -ENOMEM:
    case -EINVAL:
        return "The request cannot be sent to the CA: ";
    default:
        return "The CA cannot be reached: ";
    }
}

static void set_error(Failure *failure, const SessionReply *reply)
{
    _cleanup_free_ char *advice = reply->error == -ENOKEY ? failure_advice(BAD_CA_FILE) : NULL;

    failure_set(failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503, retry_after_of(reply, RETRY_SOON),
                "%s%s. %s", error_beginning(reply),
                str_or(reply->error_text, strerror(-reply->error)),
                str_or(advice, "Try again later."));
}

void failure_set_reply(Failure *failure, const SessionReply *reply, const char *purpose)
{
    if (reply->error < 0)
        set_error(failure, reply);
    else if (reply->problem && reply->status == STATUS_NOT_IMPLEMENTED) {
        set_unimplemented(failure, reply, purpose);
        return;
    } else if (is_gone(reply)) {
        set_gone(failure, reply, purpose);
        return;
    } else if (is_explained(reply))
        failure_set_problem(failure, reply->problem, reply->retry_after);
    else
        set_unexpected(failure, reply, purpose);
    /* A problem document was judged by its type. The rest is about no answer, or one that was lost
     * or damaged in transit. */
    if (is_explained(reply)) {
        failure->elsewhere |= reply->status >= 500;
        return;
    }
    failure->passing =
        reply->error < 0 || reply->status < 400 || reply->status >= 500 || reply->status == 429;
    failure->elsewhere = failure->passing;
    failure->pause = reply->retry_after;
}
