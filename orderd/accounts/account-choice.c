/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "accounts/account-choice.h"

#include <stdio.h>

void account_choice_done(AccountChoice *choice)
{
    account_unref(choice->account);
    failure_done(&choice->passed);
}

const AccountBlock *account_choice_block(const AccountChoice *choice)
{
    return choice->auth->accounts[choice->n_passed];
}

const char *account_choice_profile(const AccountChoice *choice)
{
    return auth_profile(choice->auth, account_choice_block(choice));
}

Outage *account_choice_outage(const AccountChoice *choice)
{
    return accounts_outage(choice->accounts, account_choice_block(choice));
}

bool account_choice_is_current(const AccountChoice *choice)
{
    return account_is_current(choice->account, account_choice_block(choice));
}

int account_choice_open(AccountChoice *choice)
{
    Account *account, *before = choice->account;
    int r;

    if (before && account_choice_is_current(choice))
        return 0;
    r = accounts_get(choice->accounts, choice->config, account_choice_block(choice), &account);
    if (r < 0)
        return before ? 0 : r;
    choice->account = account_ref(account);
    account_unref(before);
    return before ? 1 : 0;
}

bool account_choice_find(AccountChoice *choice, const char *name, const char *server)
{
    for (size_t i = 0; i < choice->auth->n_accounts; i++) {
        const AccountBlock *block = choice->auth->accounts[i];

        if (streq(block->server, server) && (!name || streq(block->name, name))) {
            choice->n_passed = i;
            return true;
        }
    }
    return name && account_choice_find(choice, NULL, server);
}

bool account_choice_has_next(const AccountChoice *choice, const Failure *failure)
{
    return failure->elsewhere && choice->n_passed + 1 < choice->auth->n_accounts;
}

/* "[account "one"]: reason; [account "two"]: reason" */
static void add_reason(const AccountChoice *choice, const Failure *failure, Failure *all)
{
    unsigned soonest = failure->retry_after;
    bool is_first = all->status == 0;
    Failure sum = { 0 };

    if (!is_first && all->retry_after < soonest)
        soonest = all->retry_after;
    failure_set(&sum, failure->event, is_first ? failure->status : all->status, soonest,
                "%s%s[account \"%s\"]: %s", is_first ? "" : str_or(all->reason, ""),
                is_first ? "" : " ", account_choice_block(choice)->name,
                str_or(failure->reason, "out of memory"));
    failure_set_type(&sum, is_first ? failure->problem : all->problem);
    sum.passing = failure->passing;
    failure_done(all);
    *all = sum;
}

bool account_choice_next(AccountChoice *choice, const Failure *failure)
{
    if (!account_choice_has_next(choice, failure))
        return false;
    add_reason(choice, failure, &choice->passed);
    choice->n_passed++;
    choice->account = account_unref(choice->account);
    return true;
}

void account_choice_sum_up(const AccountChoice *choice, Failure *failure)
{
    Failure all = { 0 };

    /* A fault of the request itself is the answer, whatever the other accounts replied. */
    if (choice->n_passed == 0 || !failure->elsewhere)
        return;
    failure_copy(&all, &choice->passed);
    add_reason(choice, failure, &all);
    failure_done(failure);
    *failure = all;
}

void account_choice_amend(const AccountChoice *choice, Failure *failure)
{
    const char *name = account_choice_block(choice)->name;
    _cleanup_free_ char *sentence = NULL;

    if (!*name || !failure->problem || failure->status != 500)
        return;
    if (asprintf(&sentence, "This concerns [account \"%s\"]: run acme-register with --account=%s.",
                 name, name) < 0)
        sentence = NULL;
    if (sentence)
        failure_amend(failure, sentence);
}
