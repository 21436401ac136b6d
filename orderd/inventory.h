/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* How many certificates the caches hold, and when the next one is due for renewal. Counted while
 * there is nothing else to do: a large cache takes its time, and nobody waits for it. What a crash
 * left half in an entry is removed on the way. */

#include <systemd/sd-event.h>

#include "statedir/storage/renewal.h"

typedef struct Inventory Inventory;

typedef struct InventoryCount {
    bool is_first; /* the first count is not over yet: what is here is less than there is */
    size_t certificates;
    size_t due;          /* those that a request has ordered anew */
    time_t next_renewal; /* of the others, the first; seconds since 1970, 0: none */
} InventoryCount;

/* @changed: told when it has something new to say; not from inventory_new(). */
int inventory_new(sd_event *event, void (*changed)(void *userdata), void *userdata,
                  Inventory **ret);
Inventory *inventory_free(Inventory *inventory); /* always returns NULL */

/* Counts the storages of this configuration, anew where they are others than before. 0 or -errno.
 */
int inventory_use(Inventory *inventory, Config *config);

/* Notes a certificate that was stored, or about which something new is known. @storage: known by
 * its name; @key: storage_key() of its request. Without memory it is not noted. */
void inventory_note(Inventory *inventory, const Storage *storage, const char *key,
                    const Renewal *renewal);

/* What is remembered of an entry besides, see Renewal: inventory_note() leaves it as it is. */
void inventory_set_rest(Inventory *inventory, const Storage *storage, const char *key,
                        unsigned tries, time_t rest_until);

/* What the certificates at hand are of: the configuration before, until those of a new one are
 * counted. Borrowed. */
Config *inventory_config(const Inventory *inventory);

/* @storage is one of inventory_config(). Must not change the inventory. */
typedef void (*inventory_cb)(const Storage *storage, const char *key, const Renewal *renewal,
                             void *userdata);

/* Goes through all of them, in no order. */
void inventory_foreach(const Inventory *inventory, inventory_cb callback, void *userdata);

InventoryCount inventory_count(const Inventory *inventory, time_t now);

DEFINE_CLEANUP_FUNC(Inventory *, inventory_free)
