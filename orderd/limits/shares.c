/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/shares.h"

#include <stdio.h>

#include "policy/source.h"

/* What prefetch can use of the whole limit, whoever uses the rest. */
#define PREFETCH_PERCENT 75U

#define UNKNOWN  "-"
#define AUTH_MAX 128U /* of the name of an auth block; the rest does not count */

static const char *const kinds[] = {
    [ORDER_KIND_NEW] = "new",
    [ORDER_KIND_RENEWAL] = "renewal",
    [ORDER_KIND_PREFETCH] = "prefetch",
};

/* A note is "KIND SOURCE AUTH": neither of the first two contains a blank. */
typedef struct Note {
    OrderKind kind;
    char source[SOURCE_TEXT_SIZE];
    char auth[AUTH_MAX + 1];
} Note;

static void note_make(const OrderContext *context, Note *ret)
{
    *ret = (Note){ .kind = context->kind };
    if (!source_of_text(context->client, ret->source))
        (void)snprintf(ret->source, sizeof(ret->source), UNKNOWN);
    (void)snprintf(ret->auth, sizeof(ret->auth), "%s", context->auth->name);
}

static bool note_parse(const char *text, Note *ret)
{
    const char *source = text ? strchr(text, ' ') : NULL;
    const char *auth = source ? strchr(source + 1, ' ') : NULL;

    if (!auth)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
        if (strlen(kinds[i]) == (size_t)(source - text) &&
            strncmp(kinds[i], text, strlen(kinds[i])) == 0) {
            ret->kind = (OrderKind)i;
            (void)snprintf(ret->source, sizeof(ret->source), "%.*s", (int)(auth - source - 1),
                           source + 1);
            (void)snprintf(ret->auth, sizeof(ret->auth), "%s", auth + 1);
            return true;
        }
    return false;
}

char *shares_note(const OrderContext *context)
{
    Note note;
    char *text;

    note_make(context, &note);
    return asprintf(&text, "%s %s %s", kinds[note.kind], note.source, note.auth) < 0 ? NULL : text;
}

static bool covers_all(const Note *note, const Note *own)
{
    (void)note;
    (void)own;
    return true;
}

/* Clients without an address are one client for each auth block. Prefetch is no client. */
static bool covers_client(const Note *note, const Note *own)
{
    return note->kind != ORDER_KIND_PREFETCH && streq(note->source, own->source) &&
           (!streq(own->source, UNKNOWN) || streq(note->auth, own->auth));
}

static bool covers_auth(const Note *note, const Note *own)
{
    return streq(note->auth, own->auth);
}

static unsigned no_share(const OrderContext *context)
{
    (void)context;
    return 0;
}

static unsigned client_share(const OrderContext *context)
{
    return context->kind == ORDER_KIND_PREFETCH ? 0 : context->account->client_share;
}

static bool uses_account(const AuthBlock *auth, const AccountBlock *account)
{
    for (size_t i = 0; i < auth->n_accounts; i++)
        if (auth->accounts[i] == account)
            return true;
    return false;
}

/* A block that nothing else shares the account with has all of it. */
static unsigned auth_share(const OrderContext *context)
{
    size_t n = 0;

    for (size_t i = 0; i < context->config->n_auth; i++)
        n += uses_account(context->config->auth[i], context->account);
    return n > 1 ? context->account->auth_share : 0;
}

typedef struct Share {
    unsigned (*percent)(const OrderContext *context); /* 0 or 100: the whole */
    bool (*covers)(const Note *note, const Note *own);
    const char *owner;
    const char *key;
} Share;

static const Share shares[] = {
    { no_share, covers_all, "The server's account", NULL },
    { client_share, covers_client, "This client", "client-share" },
    { auth_share, covers_auth, "The auth block of this request", "auth-share" },
};

/* The orders of a share, and how many of them are possible. */
typedef struct Part {
    const Share *share;
    Note own;
    const OrderKind *kind; /* only orders of this kind; NULL: all */
    unsigned limit;
} Part;

static bool is_in_part(const Part *part, const char *text)
{
    Note note;

    return note_parse(text, &note) && part->share->covers(&note, &part->own) &&
           (!part->kind || note.kind == *part->kind);
}

/* Returns 0: there is room; else the time of the order that must leave the window first. */
static time_t find_excess(const Part *part, const Ledger *ledger)
{
    unsigned n = 0;

    for (size_t i = ledger->n; i-- > 0;)
        if (is_in_part(part, ledger->notes[i]) && ++n == part->limit)
            return ledger->times[i];
    return 0;
}

/* "client-share = 25 % of orders-per-3h = 300, renewal-reserve = 25 %" */
static char *explain(const OrderContext *context, const Part *part)
{
    const char *key = part->share->key;
    char share[64] = "", reserve[64] = "";
    char *text;

    if (key)
        (void)snprintf(share, sizeof(share), "%s = %u %% of ", key, part->share->percent(context));
    if (part->kind && *part->kind == ORDER_KIND_NEW)
        (void)snprintf(reserve, sizeof(reserve), ", renewal-reserve = %u %%",
                       context->account->renewal_reserve);
    return asprintf(&text, "%sorders-per-3h = %u%s", share, context->account->orders_per_3h,
                    reserve) < 0
               ? NULL
               : text;
}

static void set_failure(const OrderContext *context, const Part *part, time_t left, Failure *ret)
{
    static const char *const what[] = {
        [ORDER_KIND_NEW] = "orders for new certificates",
        [ORDER_KIND_PREFETCH] = "orders ahead of requests",
    };
    _cleanup_free_ char *why = explain(context, part);
    bool is_long = left > 120;

    failure_set(ret, LOG_EVENT_ORDER_HELD_BACK, 429, (unsigned)left,
                "%s has used its share of the %s in 3 hours, which is %u (%s). Try again in %u %s.",
                part->share->owner, part->kind ? what[*part->kind] : "orders", part->limit,
                str_or(why, "?"), (unsigned)(is_long ? (left + 59) / 60 : left),
                is_long ? "minutes" : "seconds");
    ret->elsewhere = true;
}

typedef struct Check {
    const OrderContext *context;
    const Ledger *ledger;
    time_t window, now;
} Check;

static bool check_part(const Check *check, const Part *part, Failure *ret)
{
    time_t excess = find_excess(part, check->ledger);

    if (excess == 0)
        return true;
    set_failure(check->context, part, excess + check->window - check->now, ret);
    return false;
}

/* Rounded up, so that one order is always possible. */
static unsigned percent_of(unsigned limit, unsigned percent)
{
    return (limit * percent + 99) / 100;
}

static bool check_share(const Check *check, const Share *share, Failure *ret)
{
    static const OrderKind new = ORDER_KIND_NEW, prefetch = ORDER_KIND_PREFETCH;
    const OrderContext *context = check->context;
    unsigned percent = share->percent(context), reserve = context->account->renewal_reserve;
    Part part = { .share = share, .limit = context->account->orders_per_3h };

    /* The whole is checked by the budget itself. */
    if (share->key && (percent == 0 || percent >= 100))
        return true;
    note_make(context, &part.own);
    if (share->key) {
        part.limit = percent_of(part.limit, percent);
        if (!check_part(check, &part, ret))
            return false;
    }
    if (context->kind == ORDER_KIND_NEW && reserve > 0) {
        part.kind = &new;
        part.limit = percent_of(part.limit, 100 - reserve);
        return check_part(check, &part, ret);
    }
    if (context->kind == ORDER_KIND_PREFETCH) {
        part.kind = &prefetch;
        part.limit = percent_of(part.limit, PREFETCH_PERCENT);
        return check_part(check, &part, ret);
    }
    return true;
}

bool shares_allow(const OrderContext *context, const Ledger *ledger, time_t window, time_t now,
                  Failure *ret)
{
    const Check check = { context, ledger, window, now };

    for (size_t i = 0; i < ELEMENTSOF(shares); i++)
        if (!check_share(&check, &shares[i], ret))
            return false;
    return true;
}
