/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The certificates in the caches, as orderd has them in memory: the status counts them, the
 * renewals take from here what to do when. The caches are read while the event loop has nothing
 * else to do, since a large one takes its time; on the way, what a crash left incomplete in an
 * entry is removed. */

#include <systemd/sd-event.h>

#include "statedir/storage/renewal.h"

typedef struct Inventory Inventory;

typedef struct InventoryEntry {
    size_t storage; /* index in inventory_config() */
    char key[STORAGE_KEY_SIZE];
    Renewal renewal;
    /* Known since orderd started only, and kept whatever certificate the entry gets. */
    unsigned tries;      /* renewals that were begun in the recent past */
    time_t paused_until; /* no renewal is begun before, seconds since 1970; 0: no pause */
} InventoryEntry;

/* Names an entry: its storage is one of @config. */
typedef struct InventoryRef {
    Config *config;
    const Storage *storage;
    char key[STORAGE_KEY_SIZE];
} InventoryRef;

typedef struct InventoryCount {
    bool is_first; /* the caches are being read for the first time: the numbers are too low */
    size_t certificates;
    size_t due;          /* those that a request would order again */
    time_t next_renewal; /* the earliest of the others, seconds since 1970; 0: none */
} InventoryCount;

/**
 * inventory_new() - make an inventory without entries
 * @changed: called when something in it has changed; not from inventory_new()
 * @ret: free with inventory_free()
 *
 * Returns 0 or -errno.
 */
int inventory_new(sd_event *event, void (*changed)(void *userdata), void *userdata,
                  Inventory **ret);
Inventory *inventory_free(Inventory *inventory); /* always returns NULL */

/* Follows this configuration: reads its storages again where they differ from the previous ones.
 * Takes a reference. 0 or -errno. */
int inventory_use(Inventory *inventory, Config *config);

/* Notes a certificate that was stored, or about which more is known now. @storage is looked up by
 * its name, and ignored if the configuration has no storage of this name; @key is the entry's
 * storage_key(). Does nothing if out of memory. */
void inventory_note(Inventory *inventory, const Storage *storage, const char *key,
                    const Renewal *renewal);

/* The entry of this key in the storage of this name; NULL: there is none. Borrowed until the
 * inventory changes; only .tries and .paused_until may be written. */
InventoryEntry *inventory_find(const Inventory *inventory, const Storage *storage, const char *key);

/* The configuration that the entries belong to: the previous one until all storages of a new one
 * are read. Borrowed. */
Config *inventory_config(const Inventory *inventory);

/* Must not change the inventory. */
typedef void (*inventory_cb)(const InventoryEntry *entry, void *userdata);

/* Calls back for each entry, in no particular order. */
void inventory_foreach(const Inventory *inventory, inventory_cb callback, void *userdata);

/* @now: seconds since 1970. */
InventoryCount inventory_count(const Inventory *inventory, time_t now);

DEFINE_CLEANUP_FUNC(Inventory *, inventory_free)
