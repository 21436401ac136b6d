/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/holds.h"

#include <stdio.h>

#include "libacme/rate-limit.h"
#include "libacme/transport/polling.h"
#include "limits/budget.h"
#include "log/log.h"
#include "statedir/pause.h"
#include "strings/strv.h"
#include "x509/dns-name.h"

/* A CA limits registered domains, which have few labels. Each look opens a file, and a client can
 * ask for names of more than a hundred labels. */
#define LIMITED_LABELS_MAX 8

/* The hold with the latest end, of all that concern an order. */
typedef struct Longest {
    const OrderContext *context;
    time_t now;
    Pause pause;        /* .reason NULL: none */
    bool is_about_name; /* one of them is: a name that fails would fail at every CA */
} Longest;

static void hold_load(const OrderContext *context, PauseKind kind, const char *what, time_t now,
                      Pause *ret)
{
    const Config *config = context->config;
    int r = pause_load(config->state_directory, kind, context->account->server, what, now, ret);

    if (r < 0 && r != -ENOENT)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to read the pause of %s '%s' in '%s': %m", pause_kind_name(kind),
                        what, config->state_directory);
}

static void longest_add(Longest *longest, PauseKind kind, const char *what)
{
    _cleanup_(pause_done) Pause pause = { 0 };

    hold_load(longest->context, kind, what, longest->now, &pause);
    longest->is_about_name |= kind == PAUSE_NAME && pause_left(&pause, longest->now) > 0;
    if (pause_left(&pause, longest->now) <= pause_left(&longest->pause, longest->now))
        return;
    pause_done(&longest->pause);
    longest->pause = pause;
    pause = (Pause){ 0 };
}

static size_t count_labels(const char *name)
{
    size_t n = 1;

    for (; *name; name++)
        n += *name == '.';
    return n;
}

/* Checks the name and its parent domains, since the CA says which domain it limits: no list of
 * registered domains is needed. */
static void longest_add_name(Longest *longest, const char *name)
{
    size_t n_labels = count_labels(name);

    longest_add(longest, PAUSE_NAME, name);
    longest_add(longest, PAUSE_DOMAIN, name);
    for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
        if (--n_labels <= LIMITED_LABELS_MAX)
            longest_add(longest, PAUSE_DOMAIN, dot + 1);
}

#define HELD_BACK "acmems does not contact the CA again before the time in Retry-After"

/* The argument of acmemsctl clear that ends a pause, of @length characters: of a set of names, the
 * first one. NULL: it is a limit of the CA, which must pass. */
static const char *clearing(const Pause *pause, int *length)
{
    static const char all[] = "--all";

    *length = (int)strcspn(pause->what, " ");
    if (pause->problem && streq(pause->problem, "rateLimited"))
        return NULL;
    if (pause->kind == PAUSE_NAME || pause->kind == PAUSE_NAMES)
        return pause->what;
    *length = (int)sizeof(all) - 1;
    return all;
}

static void hold_set_failure(const Pause *pause, time_t now, Failure *ret)
{
    unsigned left = pause_left(pause, now);
    int length;
    const char *argument = clearing(pause, &length);

    if (argument)
        failure_set(ret, LOG_EVENT_ORDER_HELD_BACK, pause->status, left,
                    HELD_BACK "; 'acmemsctl clear %.*s' on the server ends the pause. An earlier "
                              "order failed: %s",
                    length, argument, pause->reason);
    else
        failure_set(ret, LOG_EVENT_ORDER_HELD_BACK, pause->status, left,
                    HELD_BACK ", because an earlier order failed: %s", pause->reason);
    failure_set_type(ret, pause->problem);
}

bool holds_allows(const OrderContext *context, Failure *ret)
{
    Longest longest = { .context = context, .now = time(NULL) };

    longest_add(&longest, PAUSE_SERVER, "");
    longest_add(&longest, PAUSE_ACCOUNT, context->account->directory);
    longest_add(&longest, PAUSE_NAMES, context->set);
    STRV_FOREACH (name, context->names)
        longest_add_name(&longest, dns_name_base(*name));
    if (!longest.pause.reason)
        return true;
    hold_set_failure(&longest.pause, longest.now, ret);
    ret->elsewhere = !longest.is_about_name;
    pause_done(&longest.pause);
    return false;
}

/* Doubles @first for each failure; a Retry-After (@asked) is used unchanged. */
static unsigned hold_length(unsigned count, unsigned first, unsigned asked)
{
    unsigned length = first;

    if (asked > 0)
        return asked;
    for (; count > 1 && length < HOLD_MAX; count--)
        length *= 2;
    if (length > HOLD_MAX)
        length = HOLD_MAX;
    return backoff_spread_seconds(length);
}

/* A failure of our own DNS servers happens before the CA is involved. */
static bool is_fault_at_ca(const Failure *failure)
{
    return failure->event != LOG_EVENT_CHALLENGE_NOT_PUBLISHED;
}

static void hold_begin(const OrderContext *context, PauseKind kind, const char *what,
                       unsigned first, const Failure *failure)
{
    const Config *config = context->config;
    _cleanup_(pause_done) Pause before = { 0 };
    time_t now = time(NULL), until;
    char none[] = "";
    Pause pause = { .kind = kind, .status = failure->status, .problem = failure->problem };
    int r;

    hold_load(context, kind, what, now, &before);
    pause.server = context->account->server;
    pause.what = (char *)(uintptr_t)what;
    pause.reason = failure->reason ? failure->reason : none;
    /* Failures of orders that were in progress when the pause began do not count again. */
    pause.count = before.count + (pause_left(&before, now) == 0 && is_fault_at_ca(failure));
    until =
        now + (is_fault_at_ca(failure) ? hold_length(pause.count, first, failure->pause) : first);
    pause.since = now;
    pause.until = until > before.until ? until : before.until;
    r = pause_save(config->state_directory, &pause);
    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to write the pause of %s '%s' to '%s': %m", pause_kind_name(kind),
                        what, config->state_directory);
}

static void hold_rate_limit(const OrderContext *context, const Failure *failure)
{
    _cleanup_strv_ char **quoted = NULL;
    int kind = rate_limit_scope(str_or(failure->reason, ""), context->names, &quoted);
    const char *what = context->set;

    if (kind < 0)
        return;
    if (kind == PAUSE_SERVER)
        what = "";
    else if (kind == PAUSE_ACCOUNT)
        what = context->account->directory;
    if (!quoted)
        hold_begin(context, (PauseKind)kind, what, HOLD_LIMIT, failure);
    STRV_FOREACH (name, quoted)
        hold_begin(context, (PauseKind)kind, *name, HOLD_LIMIT, failure);
}

/* The CA is overloaded, or a proxy before it says so. A time of days may be a mistake, and one
 * answer must not stop all orders for so long. */
static void hold_server(const OrderContext *context, const Failure *failure)
{
    Failure bounded = *failure; /* borrows its strings */

    bounded.pause = retry_after_cut(bounded.pause);
    hold_begin(context, PAUSE_SERVER, "", 0, &bounded);
}

void holds_note_failure(const OrderContext *context, const Failure *failure)
{
    if (failure->event == LOG_EVENT_ORDER_HELD_BACK)
        return;
    if (failure->problem && streq(failure->problem, "rateLimited"))
        hold_rate_limit(context, failure);
    else if (failure->pause > 0 && (failure->status == 503 || failure->status == 429))
        hold_server(context, failure);
}

void holds_note_unusable(const OrderContext *context, const Failure *failure)
{
    hold_begin(context, PAUSE_NAMES, context->set, HOLD_LIMIT, failure);
}

/* The CA names the failed authorization. A name that was not ordered is not trusted. */
static bool is_in_order(const OrderContext *context, const char *name)
{
    STRV_FOREACH (asked, context->names)
        if (streq(dns_name_base(*asked), name))
            return true;
    return false;
}

void holds_note_invalid(const OrderContext *context, const char *name, const Failure *failure)
{
    if (is_in_order(context, name))
        hold_begin(context, PAUSE_NAME, name,
                   is_fault_at_ca(failure) ? HOLD_FIRST : HOLD_UNPUBLISHED, failure);
}

void holds_note_valid(const OrderContext *context, const char *name)
{
    const Config *config = context->config;
    int r = is_in_order(context, name)
                ? pause_remove(config->state_directory, PAUSE_NAME, context->account->server, name)
                : 0;

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to remove the pause of '%s' from '%s': %m", name,
                        config->state_directory);
}

void holds_sweep(const char *state_directory)
{
    int r = pause_sweep(state_directory, time(NULL));

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to remove expired pauses from '%s': %m", state_directory);
    budget_sweep(state_directory);
}
