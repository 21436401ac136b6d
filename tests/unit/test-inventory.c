/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inventory.h"

#include "clock.h"
#include "make-x509.h"
#include "storage.h"
#include "test-directory.h"
#include "test.h"

#define DAY 86400L

static char mark[] = "userdata";
static unsigned n_changes;

static void changed(void *userdata)
{
    ASSERT_TRUE(userdata == mark);
    n_changes++;
}

/* A certificate for another @days days, under the request that has this name in it. */
static void store(const Storage *storage, const char *request, long days)
{
    _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *pem = make_certificate(key, "DNS:a.example", -90 * DAY, days * DAY);
    _cleanup_(chain_freep) Chain *chain = NULL;
    const char *reason;

    ASSERT_OK(chain_parse(pem, strlen(pem), &chain, &reason));
    ASSERT_OK(storage_store(storage, request, strlen(request), chain));
}

/* Runs until the count is told. */
static void await_count(sd_event *event)
{
    unsigned before = n_changes;

    while (n_changes == before)
        ASSERT_TRUE(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
}

static Config *config_new(Storage *storage)
{
    static Storage none = { .type = STORAGE_NONE };
    Config *config = calloc(1, sizeof(*config));

    config->n_ref = 2; /* ours as well: what it holds is not its own */
    config->storages = calloc(2, sizeof(Storage *));
    config->storages[0] = &none;
    config->storages[1] = storage;
    config->n_storages = 2;
    return config;
}

static void config_drop(Config *config)
{
    ASSERT_EQ(config->n_ref, 2);
    free(config->storages);
    free(config);
}

static void assert_count(const Inventory *inventory, size_t certificates, size_t due, long next)
{
    time_t now = time(NULL);
    InventoryCount count = inventory_count(inventory, now);

    ASSERT_EQ(count.certificates, certificates);
    ASSERT_EQ(count.due, due);
    if (next == 0)
        ASSERT_EQ(count.next_renewal, 0);
    else
        ASSERT_TRUE(labs(count.next_renewal - now - next) < 60);
}

static void look(Inventory *inventory, const Storage *storage, const char *request)
{
    char key[STORAGE_KEY_SIZE];

    storage_key(request, strlen(request), key);
    inventory_look(inventory, storage, key);
}

int main(void)
{
    _cleanup_(test_directory_freep) char *directory = test_directory_new();
    _cleanup_free_ char *missing = test_path(directory, "missing");
    Storage storage = { .type = STORAGE_FILE, .directory = directory, .renew_within = 14 };
    Storage elsewhere = { .type = STORAGE_FILE, .directory = missing, .renew_within = 14 };
    Config *config = config_new(&storage), *other = config_new(&elsewhere);
    _cleanup_free_ char *file = NULL;
    char key[STORAGE_KEY_SIZE];
    Inventory *inventory;
    InventoryItem *item;
    sd_event *event;

    /* Beside entries: what is none. */
    test_write(directory, "README", "not an entry");
    ASSERT_TRUE(asprintf(&file, "%s/00", directory) > 0);
    ASSERT_OK(mkdir(file, 0700));
    test_write(file, "README", "not an entry either");

    store(&storage, "one", 30);
    store(&storage, "two", 20);
    store(&storage, "due", 10);
    store(&storage, "over", -1);

    ASSERT_TRUE(sd_event_new(&event) >= 0);
    ASSERT_OK(inventory_new(event, changed, mark, &inventory));
    assert_count(inventory, 0, 0, 0);
    ASSERT_OK(inventory_use(inventory, config));
    await_count(event);
    assert_count(inventory, 4, 2, 6 * DAY);

    /* One that is there already, one that is new, one that goes; and what was noted of them. */
    storage_key("two", 3, key);
    item = inventory_find(inventory, 1, key);
    ASSERT_TRUE(item);
    item->notes.n_asked_in_vain = 7;
    inventory_look(inventory, &storage, key);
    ASSERT_EQ(item->notes.n_asked_in_vain, 7);
    store(&storage, "two", 90);
    inventory_look(inventory, &storage, key);
    ASSERT_EQ(n_changes, 3);
    ASSERT_EQ(item->notes.n_asked_in_vain, 0);
    assert_count(inventory, 4, 2, 16 * DAY);
    store(&storage, "new", 15);
    look(inventory, &storage, "new");
    assert_count(inventory, 5, 2, DAY);
    storage_key("due", 3, key);
    ASSERT_OK(storage_drop(&storage, key));
    look(inventory, &storage, "due");
    ASSERT_FALSE(inventory_find(inventory, 1, key));
    assert_count(inventory, 4, 1, DAY);

    /* The same configuration once more changes nothing; another one is counted anew. */
    ASSERT_OK(inventory_use(inventory, config));
    ASSERT_EQ(sd_event_run(event, 0), 0);
    store(&elsewhere, "one", 21);
    store(&elsewhere, "two", 22);
    storage_key("one", 3, key);
    inventory_find(inventory, 1, key)->notes.n_asked_in_vain = 7;
    ASSERT_OK(inventory_use(inventory, other));
    ASSERT_EQ(config->n_ref, 2);
    ASSERT_TRUE(inventory_config(inventory) == other);
    /* Until then the old count stands, and what comes meanwhile is not lost. */
    assert_count(inventory, 4, 1, DAY);
    store(&elsewhere, "new", 16);
    look(inventory, &elsewhere, "new");
    await_count(event);
    assert_count(inventory, 3, 0, 2 * DAY);
    /* It was about another certificate. */
    ASSERT_EQ(inventory_find(inventory, 1, key)->notes.n_asked_in_vain, 0);

    inventory_free(inventory);
    sd_event_unref(event);
    config_drop(config);
    config_drop(other);
    return EXIT_SUCCESS;
}
