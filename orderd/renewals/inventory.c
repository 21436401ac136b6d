/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewals/inventory.h"

#include <search.h>

#include "event/timer.h"
#include "log/log.h"
#include "statedir/storage/scan.h"

/* How often the caches are read again, for what others put in or took out. */
#define READ_INTERVAL (24 * 3600 * USEC_PER_SEC)
/* The same after a reading that was not complete. */
#define RETRY_INTERVAL (600 * USEC_PER_SEC)

/* The entries of all storages of one configuration. */
typedef struct EntrySet {
    Config *config;
    void *tree; /* of tsearch(3) */
} EntrySet;

struct Inventory {
    EntrySet current;
    EntrySet next; /* for the configuration in force; its tree is filled while the caches are read,
                      and then becomes the current one */
    bool was_read; /* the caches were read once */
    sd_event_source *step, *timer;
    size_t n_scanned; /* storages of next.config */
    StorageScan *scan;
    bool has_kept;      /* the previous entries of the storage of .scan are in .next */
    bool is_incomplete; /* a storage was not read to its end */
    void (*changed)(void *userdata);
    void *userdata;
};

static int entry_compare(const void *a, const void *b)
{
    const InventoryEntry *x = a, *y = b;

    if (x->storage != y->storage)
        return x->storage < y->storage ? -1 : 1;
    return strcmp(x->key, y->key);
}

/* Index in the configuration; n_storages where it has no storage of this name. */
static size_t storage_index(const Config *config, const Storage *storage)
{
    size_t i = 0;

    while (i < config->n_storages && !streq(config->storages[i]->name, storage->name))
        i++;
    return i;
}

static InventoryEntry *set_find(const EntrySet *set, size_t storage, const char *key)
{
    InventoryEntry wanted = { .storage = storage };
    InventoryEntry **found;

    memcpy(wanted.key, key, STORAGE_KEY_SIZE - 1);
    found = tfind(&wanted, &set->tree, entry_compare);
    return found ? *found : NULL;
}

/* Returns 0 or -ENOMEM. */
static int set_put(EntrySet *set, size_t storage, const char *key, const Renewal *renewal)
{
    InventoryEntry *entry = set_find(set, storage, key);

    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        if (!entry)
            return -ENOMEM;
        entry->storage = storage;
        memcpy(entry->key, key, STORAGE_KEY_SIZE - 1);
        if (!tsearch(entry, &set->tree, entry_compare)) {
            free(entry);
            return -ENOMEM;
        }
    }
    entry->renewal = *renewal;
    return 0;
}

static void set_clear(EntrySet *set)
{
    tdestroy(set->tree, free);
    set->tree = NULL;
}

static void set_use_config(EntrySet *set, Config *config)
{
    config_ref(config);
    config_unref(set->config);
    set->config = config;
}

static void set_note(EntrySet *set, const Storage *storage, const char *key, const Renewal *renewal)
{
    size_t i = storage_index(set->config, storage);

    if (i < set->config->n_storages)
        (void)set_put(set, i, key, renewal);
}

static bool is_reading(const Inventory *inventory)
{
    return sd_event_source_get_enabled(inventory->step, NULL) > 0;
}

InventoryEntry *inventory_find(const Inventory *inventory, const Storage *storage, const char *key)
{
    return set_find(&inventory->current, storage_index(inventory->current.config, storage), key);
}

void inventory_note(Inventory *inventory, const Storage *storage, const char *key,
                    const Renewal *renewal)
{
    set_note(&inventory->current, storage, key, renewal);
    if (is_reading(inventory))
        set_note(&inventory->next, storage, key, renewal);
    inventory->changed(inventory->userdata);
}

Config *inventory_config(const Inventory *inventory)
{
    return inventory->current.config;
}

typedef struct Walk {
    inventory_cb callback;
    void *userdata;
} Walk;

static void walk_entry(const void *node, VISIT visit, void *userdata)
{
    const Walk *walk = userdata;

    if (visit == postorder || visit == leaf)
        walk->callback(*(const InventoryEntry *const *)node, walk->userdata);
}

void inventory_foreach(const Inventory *inventory, inventory_cb callback, void *userdata)
{
    Walk walk = { callback, userdata };

    twalk_r(inventory->current.tree, walk_entry, &walk);
}

typedef struct Counting {
    InventoryCount count;
    time_t now;
} Counting;

static void count_entry(const InventoryEntry *entry, void *userdata)
{
    const Renewal *renewal = &entry->renewal;
    Counting *counting = userdata;
    InventoryCount *count = &counting->count;
    time_t next =
        renewal->at > counting->now && renewal->at < renewal->due ? renewal->at : renewal->due;

    count->certificates++;
    if (renewal->due < counting->now)
        count->due++;
    else if (count->next_renewal == 0 || next < count->next_renewal)
        count->next_renewal = next;
}

InventoryCount inventory_count(const Inventory *inventory, time_t now)
{
    Counting counting = { .count.is_first = !inventory->was_read, .now = now };

    inventory_foreach(inventory, count_entry, &counting);
    return counting.count;
}

/* The storage that is being read. */
static const Storage *scanned_storage(const Inventory *inventory)
{
    return inventory->next.config->storages[inventory->n_scanned - 1];
}

/* Copies a previous entry of the storage that is being read. A newer entry of the same key stays.
 * Without memory the entry is missing until the next reading. */
static void keep_entry(const InventoryEntry *old, void *userdata)
{
    Inventory *inventory = userdata;
    const Storage *from = inventory->current.config->storages[old->storage],
                  *to = scanned_storage(inventory);
    size_t i = inventory->n_scanned - 1;

    if (streq(from->name, to->name) &&
        streq(str_or(from->directory, ""), str_or(to->directory, "")) &&
        !set_find(&inventory->next, i, old->key))
        (void)set_put(&inventory->next, i, old->key, &old->renewal);
}

/* Keeps the previous entries of a storage that cannot be read completely: it may still have them.
 * Logs the first error of each storage. */
static void on_unread(Inventory *inventory, int error)
{
    inventory->is_incomplete = true;
    if (inventory->has_kept)
        return;
    inventory->has_kept = true;
    inventory_foreach(inventory, keep_entry, inventory);
    if (error == -ENOMEM)
        log_error_errno(error, "Failed to read storage \"%s\": %m",
                        scanned_storage(inventory)->name);
    else
        log_event_errno(LOG_EVENT_CACHE_UNREADABLE, error,
                        "Failed to read a directory of storage \"%s\": %m",
                        scanned_storage(inventory)->name);
}

/* Leaves .scan NULL when all storages are read. */
static void open_scan(Inventory *inventory)
{
    const Config *config = inventory->next.config;

    while (!inventory->scan && inventory->n_scanned < config->n_storages) {
        const Storage *storage = config->storages[inventory->n_scanned++];
        int r = storage->type == STORAGE_FILE ? storage_scan_new(storage, &inventory->scan) : 0;

        inventory->has_kept = false;
        if (r < 0)
            on_unread(inventory, r);
        /* Only this process writes there, and never while the loop is here. */
        if (inventory->scan)
            storage_scan_set_cleaning(inventory->scan);
    }
}

/* Gives the new entry what is only known in memory. */
static void carry_over(const InventoryEntry *old, void *userdata)
{
    const Inventory *inventory = userdata;
    const Storage *storage = inventory->current.config->storages[old->storage];
    InventoryEntry *entry =
        set_find(&inventory->next, storage_index(inventory->next.config, storage), old->key);

    if (!entry)
        return;
    entry->tries = old->tries;
    entry->paused_until = old->paused_until;
}

static void finish_reading(Inventory *inventory)
{
    inventory_foreach(inventory, carry_over, inventory);
    set_clear(&inventory->current);
    inventory->current.tree = TAKE_PTR(inventory->next.tree);
    set_use_config(&inventory->current, inventory->next.config);
    inventory->was_read |= !inventory->is_incomplete;
    if (inventory->is_incomplete)
        (void)timer_arm(inventory->timer, RETRY_INTERVAL);
    inventory->changed(inventory->userdata);
}

/* Reads one entry each time that the event loop has nothing else to do. */
static int on_step(sd_event_source *source, void *userdata)
{
    Inventory *inventory = userdata;
    char key[STORAGE_KEY_SIZE];
    Renewal renewal;
    int r;

    open_scan(inventory);
    if (!inventory->scan) {
        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        finish_reading(inventory);
        return 0;
    }
    r = storage_scan_next(inventory->scan, key, &renewal);
    if (r > 0)
        r = set_put(&inventory->next, inventory->n_scanned - 1, key, &renewal);
    else if (r == 0)
        inventory->scan = storage_scan_free(inventory->scan);
    if (r < 0)
        on_unread(inventory, r);
    return 0;
}

static int start_reading(Inventory *inventory)
{
    int r;

    set_clear(&inventory->next);
    inventory->scan = storage_scan_free(inventory->scan);
    inventory->n_scanned = 0;
    inventory->is_incomplete = false;
    r = timer_arm(inventory->timer, READ_INTERVAL);
    return r < 0 ? r : sd_event_source_set_enabled(inventory->step, SD_EVENT_ON);
}

static int inventory_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    (void)start_reading(userdata);
    return 0;
}

/* Whether the storages of both hold the same certificates and renew them at the same times. */
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

    if (inventory->next.config == config)
        return 0;
    same = same_storages(inventory->next.config, config);
    set_use_config(&inventory->next, config);
    /* The current entries may belong to other storages than those being read. */
    if (!inventory->current.config || (same && !is_reading(inventory)))
        set_use_config(&inventory->current, config);
    return same ? 0 : start_reading(inventory);
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
        r = timer_new(event, inventory_on_timer, inventory, &inventory->timer);
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
    set_clear(&inventory->current);
    set_clear(&inventory->next);
    config_unref(inventory->current.config);
    config_unref(inventory->next.config);
    free(inventory);
    return NULL;
}
