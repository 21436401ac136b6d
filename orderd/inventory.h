/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What certificates the caches hold, and when each is due for renewal. Counted while there is
 * nothing else to do: a large cache takes its time, and nobody waits for it. */

#include <systemd/sd-event.h>

#include "config.h"
#include "storage-scan.h"

typedef struct Inventory Inventory;

typedef struct InventoryCount {
    bool is_first; /* the first count is not over yet: what is here is less than there is */
    size_t certificates;
    size_t due;          /* those that are past their time of renewal */
    time_t next_renewal; /* of the others, the first; seconds since 1970, 0: none */
} InventoryCount;

/* What renewals.c remembers of a certificate: lost with the process. Times in seconds since 1970.
 */
typedef struct InventoryNotes {
    time_t ask_at; /* the CA is not asked before; 0: that is not said */
    unsigned n_asked_in_vain;
    bool is_asking;
} InventoryNotes;

typedef struct InventoryItem {
    size_t storage; /* its number in the configuration */
    StorageEntry entry;
    InventoryNotes notes; /* of this very certificate */
} InventoryItem;

/* @changed: told when it has something new to say; not from inventory_new(). */
int inventory_new(sd_event *event, void (*changed)(void *userdata), void *userdata,
                  Inventory **ret);
Inventory *inventory_free(Inventory *inventory); /* always returns NULL */

/* Counts the storages of this configuration, anew where they are others than before. 0 or -errno.
 */
int inventory_use(Inventory *inventory, Config *config);
Config *inventory_config(const Inventory *inventory); /* the one in use; borrowed */

/* Looks anew at the entry of that key, in the storage in use that has this one's directory: it was
 * written. Without memory it stays as it was. */
void inventory_look(Inventory *inventory, const Storage *storage, const char *key);

/* Both: valid until the next turn of the event loop, or inventory_look(). */
InventoryItem *inventory_find(const Inventory *inventory, size_t storage, const char *key);
void inventory_foreach(Inventory *inventory, void (*callback)(InventoryItem *item, void *userdata),
                       void *userdata);

InventoryCount inventory_count(const Inventory *inventory, time_t now);

DEFINE_CLEANUP_FUNC(Inventory *, inventory_free)
