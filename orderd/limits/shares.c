/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/shares.h"

#include <stdio.h>

#include "policy/source.h"

/* What prefetch can use, of the whole limit and of each share. */
#define PREFETCH_PERCENT 75U

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
    source_name(context->client, ret->source);
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
           (!streq(own->source, SOURCE_UNKNOWN) || streq(note->auth, own->auth));
}

static bool covers_auth(const Note *note, const Note *own)
{
    return streq(note->auth, own->auth);
}

static unsigned whole(const OrderContext *context)
{
    (void)context;
    return 100;
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
    unsigned (*percent)(const OrderContext *context); /* 0: there is no such share */
    bool (*covers)(const Note *note, const Note *own);
    const char *owner;
    const char *key;
} Share;

static const Share shares[] = {
    { whole, covers_all, "The server's account", NULL },
    { client_share, covers_client, "This client", "client-share" },
    { auth_share, covers_auth, "The auth block of this request", "auth-share" },
};

#define KIND(name) (1U << ORDER_KIND_##name)
#define KINDS_ALL  (KIND(NEW) | KIND(RENEWAL) | KIND(PREFETCH))

static unsigned whole_percent(const AccountBlock *account)
{
    (void)account;
    return 100;
}

static unsigned new_percent(const AccountBlock *account)
{
    return 100 - account->renewal_reserve;
}

static unsigned prefetch_percent(const AccountBlock *account)
{
    (void)account;
    return PREFETCH_PERCENT;
}

/* Part of the reserve is for clients that wait for a renewal, whatever prefetch needs. */
static unsigned not_awaited_percent(const AccountBlock *account)
{
    return 100 - account->renewal_reserve * 2 / 5;
}

/* What orders of some kinds can use together of each share. */
typedef struct Portion {
    unsigned kinds; /* bits */
    unsigned (*percent)(const AccountBlock *account);
    const char *what;
    bool is_reserve; /* it exists by renewal-reserve */
} Portion;

static const Portion portions[] = {
    { KINDS_ALL, whole_percent, "orders", false },
    { KIND(NEW), new_percent, "orders for new certificates", true },
    { KIND(PREFETCH), prefetch_percent, "orders ahead of requests", false },
    { KIND(NEW) | KIND(PREFETCH), not_awaited_percent,
      "orders for new certificates and ahead of requests", true },
};

/* The orders of a share, and how many of them are possible. */
typedef struct Part {
    const Share *share;
    const Portion *portion;
    Note own;
    unsigned limit;
} Part;

static bool is_in_part(const Part *part, const char *text)
{
    Note note;

    return note_parse(text, &note) && part->share->covers(&note, &part->own) &&
           part->portion->kinds & (1U << note.kind);
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
    if (part->portion->is_reserve)
        (void)snprintf(reserve, sizeof(reserve), ", renewal-reserve = %u %%",
                       context->account->renewal_reserve);
    return asprintf(&text, "%sorders-per-3h = %u%s", share, context->account->orders_per_3h,
                    reserve) < 0
               ? NULL
               : text;
}

static void set_failure(const OrderContext *context, const Part *part, time_t left, Failure *ret)
{
    _cleanup_free_ char *why = explain(context, part);
    bool is_long = left > 120;

    failure_set(ret, LOG_EVENT_ORDER_HELD_BACK, 429, (unsigned)left,
                "%s has used its share of the %s in 3 hours, which is %u (%s). Try again in %u %s.",
                part->share->owner, part->portion->what, part->limit, str_or(why, "?"),
                (unsigned)(is_long ? (left + 59) / 60 : left), is_long ? "minutes" : "seconds");
    ret->elsewhere = true;
}

/* Rounded up, so that one order is always possible. */
static unsigned percent_of(unsigned limit, unsigned percent)
{
    return (limit * percent + 99) / 100;
}

typedef struct Check {
    const OrderContext *context;
    const Ledger *ledger;
    time_t window, now;
} Check;

static bool check_portion(const Check *check, const Share *share, const Portion *portion,
                          Failure *ret)
{
    const AccountBlock *account = check->context->account;
    unsigned share_percent = share->percent(check->context);
    Part part = { .share = share, .portion = portion };
    time_t excess;

    part.limit =
        percent_of(percent_of(account->orders_per_3h, share_percent), portion->percent(account));
    if (part.limit == account->orders_per_3h) /* the budget itself checks the whole */
        return true;
    note_make(check->context, &part.own);
    excess = find_excess(&part, check->ledger);
    if (excess == 0)
        return true;
    set_failure(check->context, &part, excess + check->window - check->now, ret);
    return false;
}

static bool check_share(const Check *check, const Share *share, Failure *ret)
{
    unsigned percent = share->percent(check->context);

    /* A share of all is what the first row checks. */
    if (share->key && (percent == 0 || percent >= 100))
        return true;
    for (size_t i = 0; i < ELEMENTSOF(portions); i++)
        if (portions[i].kinds & (1U << check->context->kind) &&
            !check_portion(check, share, &portions[i], ret))
            return false;
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
