/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inventory.h"

#include <search.h>

#include "base/clock.h"
#include "log/log.h"
#include "statedir/storage/scan.h"

/* What others put into the storages or took out is noticed by then. */
#define COUNT_INTERVAL (24 * 3600 * USEC_PER_SEC)

typedef struct Item {
    size_t storage; /* which one of its configuration */
    char key[STORAGE_KEY_SIZE];
    Renewal renewal;
} Item;

struct Inventory {
    Config *config;
    Config *counted; /* that .items are of: the one before while the new one's are counted */
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
    const Item *x = a, *y = b;

    if (x->storage != y->storage)
        return x->storage < y->storage ? -1 : 1;
    return strcmp(x->key, y->key);
}

static Item *find(void *const *items, size_t storage, const char *key)
{
    Item wanted = { .storage = storage };
    Item **found;

    memcpy(wanted.key, key, STORAGE_KEY_SIZE - 1);
    found = tfind(&wanted, items, compare_items);
    return found ? *found : NULL;
}

static void copy_rest(Renewal *to, const Renewal *from)
{
    to->tries = from->tries;
    to->rest_until = from->rest_until;
}

static void keep(void **items, size_t storage, const char *key, const Renewal *renewal)
{
    Item *item = find(items, storage, key);
    Renewal rest = item ? item->renewal : (Renewal){ 0 };

    if (!item) {
        item = calloc(1, sizeof(*item));
        if (!item)
            return;
        item->storage = storage;
        memcpy(item->key, key, STORAGE_KEY_SIZE - 1);
        if (!tsearch(item, items, compare_items)) {
            free(item);
            return;
        }
    }
    item->renewal = *renewal;
    copy_rest(&item->renewal, &rest);
}

static bool is_counting(const Inventory *inventory)
{
    return sd_event_source_get_enabled(inventory->step, NULL) > 0;
}

/* Its number in a configuration, which has so many where it is none of them. */
static size_t number_of(const Config *config, const Storage *storage)
{
    size_t i = 0;

    while (i < config->n_storages && !streq(config->storages[i]->name, storage->name))
        i++;
    return i;
}

void inventory_set_rest(Inventory *inventory, const Storage *storage, const char *key,
                        unsigned tries, time_t rest_until)
{
    Item *item = find(&inventory->items, number_of(inventory->counted, storage), key);

    if (!item)
        return;
    item->renewal.tries = tries;
    item->renewal.rest_until = rest_until;
}

static void note(void **items, const Config *config, const Storage *storage, const char *key,
                 const Renewal *renewal)
{
    size_t i = number_of(config, storage);

    if (i < config->n_storages)
        keep(items, i, key, renewal);
}

void inventory_note(Inventory *inventory, const Storage *storage, const char *key,
                    const Renewal *renewal)
{
    note(&inventory->items, inventory->counted, storage, key, renewal);
    if (is_counting(inventory))
        note(&inventory->fresh, inventory->config, storage, key, renewal);
    inventory->changed(inventory->userdata);
}

Config *inventory_config(const Inventory *inventory)
{
    return inventory->counted;
}

typedef struct Walk {
    const Config *config;
    inventory_cb callback;
    void *userdata;
} Walk;

static void walk_item(const void *node, VISIT visit, void *userdata)
{
    const Item *item = *(const Item *const *)node;
    const Walk *walk = userdata;

    if (visit == postorder || visit == leaf)
        walk->callback(walk->config->storages[item->storage], item->key, &item->renewal,
                       walk->userdata);
}

void inventory_foreach(const Inventory *inventory, inventory_cb callback, void *userdata)
{
    Walk walk = { inventory->counted, callback, userdata };

    twalk_r(inventory->items, walk_item, &walk);
}

typedef struct Counting {
    InventoryCount count;
    time_t now;
} Counting;

static void count_item(const Storage *storage, const char *key, const Renewal *renewal,
                       void *userdata)
{
    Counting *counting = userdata;
    InventoryCount *count = &counting->count;
    time_t next =
        renewal->at > counting->now && renewal->at < renewal->due ? renewal->at : renewal->due;

    (void)storage;
    (void)key;
    count->certificates++;
    if (renewal->due < counting->now)
        count->due++;
    else if (count->next_renewal == 0 || next < count->next_renewal)
        count->next_renewal = next;
}

InventoryCount inventory_count(const Inventory *inventory, time_t now)
{
    Counting counting = { .count.is_first = !inventory->is_counted, .now = now };

    inventory_foreach(inventory, count_item, &counting);
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
    /* Nobody else writes there, and a write of this process is over before it comes here. */
    if (inventory->scan)
        storage_scan_set_cleaning(inventory->scan);
    return 0;
}

static void move_rest(const void *node, VISIT visit, void *userdata)
{
    const Item *old = *(const Item *const *)node;
    const Inventory *inventory = userdata;
    const Storage *storage = inventory->counted->storages[old->storage];
    Item *item = visit == postorder || visit == leaf
                     ? find(&inventory->fresh, number_of(inventory->config, storage), old->key)
                     : NULL;

    if (item)
        copy_rest(&item->renewal, &old->renewal);
}

/* What is in .items is of the configuration at hand. */
static void use_counted(Inventory *inventory)
{
    Config *config = config_ref(inventory->config);

    config_unref(inventory->counted);
    inventory->counted = config;
}

static void finish_counting(Inventory *inventory)
{
    twalk_r(inventory->items, move_rest, inventory);
    tdestroy(inventory->items, free);
    inventory->items = TAKE_PTR(inventory->fresh);
    use_counted(inventory);
    inventory->is_counted = true;
    inventory->changed(inventory->userdata);
}

/* One entry for each turn of the event loop that has nothing better to do. */
static int on_step(sd_event_source *source, void *userdata)
{
    Inventory *inventory = userdata;
    char key[STORAGE_KEY_SIZE];
    Renewal renewal;
    int r = open_scan(inventory);

    if (r < 0 || !inventory->scan) {
        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        finish_counting(inventory);
        return 0;
    }
    r = storage_scan_next(inventory->scan, key, &renewal);
    if (r > 0)
        keep(&inventory->fresh, inventory->n_scanned - 1, key, &renewal);
    else if (r == 0)
        inventory->scan = storage_scan_free(inventory->scan);
    else
        log_event_errno(LOG_EVENT_CACHE_UNREADABLE, r,
                        "Failed to read a directory of storage \"%s\": %m",
                        inventory->config->storages[inventory->n_scanned - 1]->name);
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

        if (x->renew_within != y->renew_within || x->prefetch != y->prefetch ||
            x->prefetch_forget != y->prefetch_forget || !streq(x->name, y->name) ||
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
    config_ref(config);
    config_unref(inventory->config);
    inventory->config = config;
    /* The numbers are the same too, but for a count of others that is under way. */
    if (!inventory->counted || (same && !is_counting(inventory)))
        use_counted(inventory);
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
    config_unref(inventory->counted);
    free(inventory);
    return NULL;
}
