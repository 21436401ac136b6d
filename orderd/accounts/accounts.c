/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "accounts/accounts.h"

#include <sys/queue.h>

typedef struct AccountItem {
    LIST_ENTRY(AccountItem) list;
    char *name; /* of the block */
    Account *account;
    Outage outage;
    bool ignores_replaces;
} AccountItem;

struct Accounts {
    sd_event *event;
    LIST_HEAD(, AccountItem) items;
};

static void account_item_free(AccountItem *item)
{
    LIST_REMOVE(item, list);
    account_unref(item->account);
    outage_end(&item->outage);
    free(item->name);
    free(item);
}

static AccountItem *account_item_find(const Accounts *accounts, const char *name)
{
    AccountItem *item;

    LIST_FOREACH (item, &accounts->items, list)
        if (streq(item->name, name))
            return item;
    return NULL;
}

static AccountItem *account_item_add(Accounts *accounts, const char *name)
{
    AccountItem *item = calloc(1, sizeof(*item));

    if (!item)
        return NULL;
    LIST_INSERT_HEAD(&accounts->items, item, list);
    item->name = strdup(name);
    if (!item->name) {
        account_item_free(item);
        return NULL;
    }
    return item;
}

int accounts_get(Accounts *accounts, Config *config, const AccountBlock *block, Account **ret)
{
    AccountItem *item = account_item_find(accounts, block->name);
    Account *account;
    int r;

    if (!item || !account_is_current(item->account, block)) {
        r = account_new(accounts->event, config, block, &account);
        if (r < 0)
            return r;
        if (!item)
            item = account_item_add(accounts, block->name);
        if (!item) {
            account_unref(account);
            return -ENOMEM;
        }
        if (item->account && !streq(account_block(item->account)->server, block->server)) {
            outage_end(&item->outage);
            item->ignores_replaces = false;
        }
        account_unref(item->account);
        item->account = account;
    }
    *ret = item->account;
    return 0;
}

Outage *accounts_outage(const Accounts *accounts, const AccountBlock *block)
{
    AccountItem *item = account_item_find(accounts, block->name);

    return item ? &item->outage : NULL;
}

bool accounts_ignores_replaces(const Accounts *accounts, const AccountBlock *block)
{
    const AccountItem *item = account_item_find(accounts, block->name);

    return item && item->ignores_replaces;
}

void accounts_note_replaces(Accounts *accounts, const AccountBlock *block, bool is_ignored)
{
    AccountItem *item = account_item_find(accounts, block->name);

    if (item)
        item->ignores_replaces = is_ignored;
}

int accounts_new(sd_event *event, Accounts **ret)
{
    Accounts *accounts = calloc(1, sizeof(*accounts));

    if (!accounts)
        return -ENOMEM;
    LIST_INIT(&accounts->items);
    accounts->event = sd_event_ref(event);
    *ret = accounts;
    return 0;
}

Accounts *accounts_free(Accounts *accounts)
{
    if (!accounts)
        return NULL;
    while (!LIST_EMPTY(&accounts->items))
        account_item_free(LIST_FIRST(&accounts->items));
    sd_event_unref(accounts->event);
    free(accounts);
    return NULL;
}
