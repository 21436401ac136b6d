/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/budget.h"

#include <stdio.h>

#include "limits/shares.h"
#include "log/log.h"
#include "policy/source.h"
#include "statedir/ledger.h"

#define HOUR ((time_t)3600)
#define DAY  (24 * HOUR)

typedef enum Occasion { OCCASION_ORDER, OCCASION_CERTIFICATE } Occasion;

typedef struct Budget {
    const char *kind;
    time_t window; /* s */
    Occasion occasion;
    bool is_of_ca;  /* mirrors a limit of the CA: each CA has a count of its own */
    bool is_shared; /* between clients, auth blocks, new certificates and renewals */
    unsigned (*limit)(const OrderContext *context); /* 0: none */
    /* Returns the subject of the count; free() it. NULL: out of memory. */
    char *(*owner)(const OrderContext *context);
    const char *sentence; /* followed by the key and the limit */
    const char *key;      /* in the configuration */
} Budget;

static unsigned orders_limit(const OrderContext *context)
{
    return context->account->orders_per_3h;
}

static char *orders_what(const OrderContext *context)
{
    return strdup(context->account->directory);
}

static unsigned certificates_limit(const OrderContext *context)
{
    return context->account->duplicate_certificates_per_week;
}

static char *certificates_what(const OrderContext *context)
{
    return strdup(context->set);
}

static unsigned client_limit(const OrderContext *context)
{
    return context->client && !context->is_charged ? context->auth->orders_per_day : 0;
}

/* The result is unambiguous: an address contains no blank. */
static char *client_what(const OrderContext *context)
{
    char source[SOURCE_TEXT_SIZE], *owner;

    return asprintf(&owner, "%s %s", context->auth->name,
                    str_or(source_of_text(context->client, source), context->client)) < 0
               ? NULL
               : owner;
}

static const Budget budgets[] = {
    { "orders", 3 * HOUR, OCCASION_ORDER, true, true, orders_limit, orders_what,
      "The server's account has reached its limit of orders in 3 hours", "orders-per-3h" },
    { "certificates", 7 * DAY, OCCASION_CERTIFICATE, true, false, certificates_limit,
      certificates_what, "The limit of certificates for exactly these names in one week is reached",
      "duplicate-certificates-per-week" },
    { "client", DAY, OCCASION_ORDER, false, false, client_limit, client_what,
      "This client has reached its limit of orders in one day", "orders-per-day" },
};

/* The count of a budget for one owner. */
typedef struct BudgetLedger {
    unsigned limit; /* of the budget, above 0 */
    char *owner;
    LedgerKey key; /* borrows the owner */
    Ledger ledger;
} BudgetLedger;

static void budget_ledger_done(BudgetLedger *count)
{
    ledger_done(&count->ledger);
    free(count->owner);
}

/* Reads the count. False: there is no such limit, or reading failed, which is logged. */
static bool budget_open_ledger(const Budget *budget, const OrderContext *context, time_t now,
                               BudgetLedger *ret)
{
    const char *state = context->config->state_directory;
    Ledger ledger = { 0 };
    int r;

    ret->limit = budget->limit(context);
    if (ret->limit == 0)
        return false;
    ret->owner = budget->owner(context);
    ret->key = (LedgerKey){ .kind = budget->kind,
                            .server = budget->is_of_ca ? context->account->server : "",
                            .what = ret->owner,
                            .window = budget->window };
    r = ret->owner ? ledger_load(state, &ret->key, now, &ledger) : -ENOMEM;
    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to read the count for %s in '%s': %m", budget->key, state);
    ret->ledger = ledger;
    return r >= 0;
}

static bool budget_check(const Budget *budget, const OrderContext *context, time_t now,
                         Failure *ret)
{
    _cleanup_(budget_ledger_done) BudgetLedger count = { 0 };
    const Ledger *ledger = &count.ledger;
    time_t oldest;

    if (!budget_open_ledger(budget, context, now, &count))
        return true;
    if (ledger->n < count.limit)
        return !budget->is_shared || shares_allow(context, ledger, budget->window, now, ret);
    oldest = ledger->times[ledger->n - count.limit];
    failure_set(ret, LOG_EVENT_ORDER_HELD_BACK, 429, (unsigned)(oldest + budget->window - now),
                "%s (%s = %u). Try again after the time in Retry-After.", budget->sentence,
                budget->key, count.limit);
    ret->elsewhere = budget->is_of_ca;
    return false;
}

bool budget_allows(const OrderContext *context, Failure *ret)
{
    time_t now = time(NULL);

    for (size_t i = 0; i < ELEMENTSOF(budgets); i++)
        if (!budget_check(&budgets[i], context, now, ret))
            return false;
    return true;
}

/* Warns once, when 80 % are reached. */
static void budget_warn_when_low(const Budget *budget, const Ledger *ledger, unsigned limit,
                                 const char *owner)
{
    if (ledger->n != (limit * 4 + 4) / 5)
        return;
    log_event(LOG_EVENT_BUDGET_LOW, NULL, "%zu of %s = %u are used: %s", ledger->n, budget->key,
              limit, owner);
}

static void budget_count(const Budget *budget, const OrderContext *context, time_t now)
{
    _cleanup_(budget_ledger_done) BudgetLedger count = { 0 };
    _cleanup_free_ char *note = NULL;
    int r;

    if (!budget_open_ledger(budget, context, now, &count))
        return;
    note = budget->is_shared ? shares_note(context) : NULL;
    r = ledger_add(context->config->state_directory, &count.key, now, note, &count.ledger);
    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to write the count for %s to '%s': %m", budget->key,
                        context->config->state_directory);
    else
        budget_warn_when_low(budget, &count.ledger, count.limit, count.owner);
}

static void budget_count_all(const OrderContext *context, Occasion occasion)
{
    time_t now = time(NULL);

    for (size_t i = 0; i < ELEMENTSOF(budgets); i++)
        if (budgets[i].occasion == occasion)
            budget_count(&budgets[i], context, now);
}

void budget_note_order(const OrderContext *context)
{
    budget_count_all(context, OCCASION_ORDER);
}

void budget_note_certificate(const OrderContext *context)
{
    budget_count_all(context, OCCASION_CERTIFICATE);
}

void budget_sweep(const char *state_directory)
{
    int r = ledger_sweep(state_directory, time(NULL));

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to remove expired counts from '%s': %m", state_directory);
}
