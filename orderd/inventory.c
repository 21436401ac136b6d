/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inventory.h"

#include <search.h>

#include "clock.h"

/* What others put into the storages or took out is noticed by then. */
#define COUNT_INTERVAL (24 * 3600 * USEC_PER_SEC)

struct Inventory {
    Config *config;
    void *items;     /* a tsearch(3) tree */
    bool is_counted; /* all of it, once at the least */
    void *fresh;     /* the one that is being made, to take its place */
    sd_event_source *step, *timer;
    size_t n_scanned; /* storages of the config */
    StorageScan *scan;
    void (*changed)(void *userdata);
    void *userdata;
};

static int compare_items(const void *a, const void *b)
{
    const InventoryItem *x = a, *y = b;

    if (x->storage != y->storage)
        return x->storage < y->storage ? -1 : 1;
    return strcmp(x->entry.key, y->entry.key);
}

static InventoryItem *find(void *const *items, size_t storage, const char *key)
{
    InventoryItem wanted = { .storage = storage };
    InventoryItem **found;

    memcpy(wanted.entry.key, key, STORAGE_KEY_SIZE);
    found = tfind(&wanted, items, compare_items);
    return found ? *found : NULL;
}

/* Notes are about a certificate, not about the entry that it stands in. */
static void set_entry(InventoryItem *item, const StorageEntry *entry)
{
    if (!streq(item->entry.fingerprint, entry->fingerprint))
        item->notes = (InventoryNotes){ 0 };
    item->entry = *entry;
}

static void keep(void **items, size_t storage, const StorageEntry *entry)
{
    InventoryItem *item = find(items, storage, entry->key);

    if (item) {
        set_entry(item, entry);
        return;
    }
    item = calloc(1, sizeof(*item));
    if (!item)
        return;
    item->storage = storage;
    item->entry = *entry;
    if (!tsearch(item, items, compare_items))
        free(item);
}

static void drop(void **items, size_t storage, const char *key)
{
    InventoryItem *item = find(items, storage, key);

    if (!item)
        return;
    (void)tdelete(item, items, compare_items);
    free(item);
}

static bool is_counting(const Inventory *inventory)
{
    return sd_event_source_get_enabled(inventory->step, NULL) > 0;
}

Config *inventory_config(const Inventory *inventory)
{
    return inventory->config;
}

InventoryItem *inventory_find(const Inventory *inventory, size_t storage, const char *key)
{
    return find(&inventory->items, storage, key);
}

static void look(void **items, size_t number, const Storage *storage, const char *key)
{
    StorageEntry entry;
    int r = storage_look(storage, key, &entry);

    if (r > 0)
        keep(items, number, &entry);
    else if (r == 0)
        drop(items, number, key);
}

void inventory_look(Inventory *inventory, const Storage *storage, const char *key)
{
    const Config *config = inventory->config;

    for (size_t i = 0; i < config->n_storages; i++) {
        const Storage *own = config->storages[i];

        if (own->type != STORAGE_FILE || !streq(own->directory, storage->directory))
            continue;
        look(&inventory->items, i, own, key);
        if (is_counting(inventory))
            look(&inventory->fresh, i, own, key);
    }
    inventory->changed(inventory->userdata);
}

typedef struct Walk {
    void (*callback)(InventoryItem *item, void *userdata);
    void *userdata;
} Walk;

static void walk_item(const void *node, VISIT visit, void *userdata)
{
    const Walk *walk = userdata;

    if (visit == postorder || visit == leaf)
        walk->callback(*(InventoryItem *const *)node, walk->userdata);
}

void inventory_foreach(Inventory *inventory, void (*callback)(InventoryItem *item, void *userdata),
                       void *userdata)
{
    Walk walk = { callback, userdata };

    twalk_r(inventory->items, walk_item, &walk);
}

typedef struct Counting {
    InventoryCount count;
    time_t now;
} Counting;

static void count_item(const void *node, VISIT visit, void *userdata)
{
    const InventoryItem *item = *(const InventoryItem *const *)node;
    time_t renewal = item->entry.times.due;
    Counting *counting = userdata;
    InventoryCount *count = &counting->count;

    if (visit != postorder && visit != leaf)
        return;
    count->certificates++;
    if (renewal < counting->now)
        count->due++;
    else if (count->next_renewal == 0 || renewal < count->next_renewal)
        count->next_renewal = renewal;
}

InventoryCount inventory_count(const Inventory *inventory, time_t now)
{
    Counting counting = { .count.is_first = !inventory->is_counted, .now = now };

    twalk_r(inventory->items, count_item, &counting);
    return counting.count;
}

/* The storage that is looked at now; NULL when all have been. */
static int open_scan(Inventory *inventory)
{
    const Config *config = inventory->config;

    while (!inventory->scan && inventory->n_scanned < config->n_storages) {
        const Storage *storage = config->storages[inventory->n_scanned++];
        int r = storage->type == STORAGE_FILE ? storage_scan_new(storage, &inventory->scan) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

/* What was noted of those that are in the fresh count too. */
static void move_notes(const void *node, VISIT visit, void *userdata)
{
    const InventoryItem *old = *(const InventoryItem *const *)node;
    const Inventory *inventory = userdata;
    InventoryItem *item;

    if (visit != postorder && visit != leaf)
        return;
    item = find(&inventory->fresh, old->storage, old->entry.key);
    if (item && streq(item->entry.fingerprint, old->entry.fingerprint))
        item->notes = old->notes;
}

static void finish_counting(Inventory *inventory)
{
    twalk_r(inventory->items, move_notes, inventory);
    tdestroy(inventory->items, free);
    inventory->items = TAKE_PTR(inventory->fresh);
    inventory->is_counted = true;
    inventory->changed(inventory->userdata);
}

/* One entry for each turn of the event loop that has nothing better to do. */
static int on_step(sd_event_source *source, void *userdata)
{
    Inventory *inventory = userdata;
    StorageEntry entry;
    int r = open_scan(inventory);

    if (r < 0 || !inventory->scan) {
        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        finish_counting(inventory);
        return 0;
    }
    if (storage_scan_next(inventory->scan, &entry) > 0)
        keep(&inventory->fresh, inventory->n_scanned - 1, &entry);
    else
        inventory->scan = storage_scan_free(inventory->scan);
    return 0;
}

static int start_counting(Inventory *inventory)
{
    int r;

    tdestroy(inventory->fresh, free);
    inventory->fresh = NULL;
    inventory->scan = storage_scan_free(inventory->scan);
    inventory->n_scanned = 0;
    r = sd_event_source_set_time_relative(inventory->timer, COUNT_INTERVAL);
    if (r >= 0)
        r = sd_event_source_set_enabled(inventory->timer, SD_EVENT_ONESHOT);
    return r < 0 ? r : sd_event_source_set_enabled(inventory->step, SD_EVENT_ON);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    (void)start_counting(userdata);
    return 0;
}

/* Whether two configurations have the same certificates, and the same times of renewal. */
static bool same_storages(const Config *a, const Config *b)
{
    if (!a || a->n_storages != b->n_storages)
        return false;
    for (size_t i = 0; i < a->n_storages; i++) {
        const Storage *x = a->storages[i], *y = b->storages[i];

        if (x->renew_within != y->renew_within ||
            !streq(str_or(x->directory, ""), str_or(y->directory, "")))
            return false;
    }
    return true;
}

int inventory_use(Inventory *inventory, Config *config)
{
    bool same;

    if (inventory->config == config)
        return 0;
    same = same_storages(inventory->config, config);
    config_unref(inventory->config);
    inventory->config = config_ref(config);
    return same ? 0 : start_counting(inventory);
}

int inventory_new(sd_event *event, void (*changed)(void *userdata), void *userdata, Inventory **ret)
{
    _cleanup_(inventory_freep) Inventory *inventory = calloc(1, sizeof(*inventory));
    int r;

    if (!inventory)
        return -ENOMEM;
    inventory->changed = changed;
    inventory->userdata = userdata;
    r = sd_event_add_defer(event, &inventory->step, on_step, inventory);
    if (r >= 0)
        r = sd_event_source_set_priority(inventory->step, SD_EVENT_PRIORITY_IDLE);
    if (r >= 0)
        r = sd_event_source_set_enabled(inventory->step, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_time_relative(event, &inventory->timer, CLOCK_MONOTONIC, COUNT_INTERVAL, 0,
                                       on_timer, inventory);
    if (r >= 0)
        r = sd_event_source_set_enabled(inventory->timer, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(inventory);
    return 0;
}

Inventory *inventory_free(Inventory *inventory)
{
    if (!inventory)
        return NULL;
    sd_event_source_disable_unref(inventory->step);
    sd_event_source_disable_unref(inventory->timer);
    storage_scan_free(inventory->scan);
    tdestroy(inventory->items, free);
    tdestroy(inventory->fresh, free);
    config_unref(inventory->config);
    free(inventory);
    return NULL;
}
