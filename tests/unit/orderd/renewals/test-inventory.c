/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewals/inventory.h"

#include "base/clock.h"
#include "make-x509.h"
#include "statedir/storage/scan.h"
#include "test-directory-faults.h"
#include "test-directory.h"
#include "test-logged.h"
#include "test.h"

#define DAY         86400L
#define EMPTY_KEY   "000000000000000000000000000000000000000000000000"
#define FOREIGN_KEY EMPTY_KEY EMPTY_KEY

static char mark[] = "userdata";
static unsigned n_changes;
static uint64_t armed; /* the last delay of a timer, µs */

/* Takes the place of the function of libsystemd, and notes the delay. */
int sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec)
{
    int (*next)(sd_event_source *, uint64_t);

    armed = usec;
    *(void **)&next = dlsym(RTLD_NEXT, "sd_event_source_set_time_relative");
    return next(source, usec);
}

static void changed(void *userdata)
{
    ASSERT_TRUE(userdata == mark);
    n_changes++;
}

/* Stores a certificate that is valid for @days more days as the answer to this request. */
static void store(const Storage *storage, const char *body, long days)
{
    _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *pem = make_certificate(key, "DNS:a.example", -90 * DAY, days * DAY);
    _cleanup_(chain_freep) Chain *chain = NULL;
    SignRequest request;
    const char *reason;

    ASSERT_OK(sign_request_init(&request, body, strlen(body)));
    ASSERT_OK(chain_parse(pem, strlen(pem), &chain, &reason));
    ASSERT_OK(storage_store(storage, &request, chain));
}

/* Runs the event loop until the inventory reports a change. */
static void await_count(sd_event *event)
{
    unsigned before = n_changes;

    while (n_changes == before)
        ASSERT_TRUE(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
}

static Config *config_new(Storage *storage)
{
    static char name[] = "none";
    static Storage none = { .name = name, .type = STORAGE_NONE };
    Config *config = calloc(1, sizeof(*config));

    config->n_ref =
        2; /* one reference is ours, so that it is never freed: it does not own its storages */
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

/* The directory of this request's entry; free(). */
static char *entry_path(const Storage *storage, const char *request)
{
    char key[STORAGE_KEY_SIZE], *path;

    ASSERT_OK(storage_key(request, strlen(request), key));
    ASSERT_TRUE(asprintf(&path, "%s/%.2s/%s", storage->directory, key, key + 2) > 0);
    return path;
}

/* Leaves what a crash in a write leaves. A scan that does not clean up keeps it. */
static void leave_half(const Storage *storage, const char *path)
{
    _cleanup_(storage_scan_freep) StorageScan *scan = NULL;
    char key[STORAGE_KEY_SIZE];
    Renewal renewal;

    test_write(path, ".tmp-0123", "half");
    ASSERT_OK(storage_scan_new(storage, &scan));
    while (storage_scan_next(scan, key, &renewal) > 0)
        continue;
    ASSERT_TRUE(test_exists(path, ".tmp-0123"));
}

/* Notes an entry that is due in @due seconds. */
static void note(Inventory *inventory, const Storage *storage, const char *key, long due)
{
    Renewal renewal = { .due = time(NULL) + due, .not_after = time(NULL) + due + DAY };

    inventory_note(inventory, storage, key, &renewal);
}

static void set_pause(const Inventory *inventory, const Storage *storage, const char *key,
                      unsigned tries, time_t until)
{
    InventoryEntry *entry = inventory_find(inventory, storage, key);

    entry->tries = tries;
    entry->paused_until = until;
}

static void assert_pause(const Inventory *inventory, const Storage *storage, const char *key,
                         unsigned tries, time_t until)
{
    const InventoryEntry *entry = inventory_find(inventory, storage, key);

    ASSERT_EQ(entry->tries, tries);
    ASSERT_EQ(entry->paused_until, until);
}

/* Lets the inventory read its storages again: the directory of @other has no entries. */
static void read_again(sd_event *event, Inventory *inventory, Config *config, Config *other)
{
    ASSERT_OK(inventory_use(inventory, other));
    ASSERT_OK(inventory_use(inventory, config));
    await_count(event);
    ASSERT_TRUE(inventory_config(inventory) == config);
}

/* An error of a directory is not its end: the previous entries stay. */
static void test_unread(sd_event *event, const Storage *storage, Config *config, Config *other)
{
    static const int errors[] = { EIO, ENOMEM };
    Storage moved = *storage;
    _cleanup_free_ char *path = entry_path(storage, "two");
    _cleanup_(inventory_freep) Inventory *inventory = NULL;

    /* logged_open() makes a file in the working directory. */
    ASSERT_OK(chdir(storage->directory));
    logged_open("test");
    ASSERT_OK(inventory_new(event, changed, mark, &inventory));
    ASSERT_OK(inventory_use(inventory, config));
    await_count(event);
    assert_count(inventory, 4, 2, 6 * DAY);
    ASSERT_EQ(armed, 24 * 3600 * USEC_PER_SEC);
    ASSERT_EQ(logged("storage"), 0);
    for (size_t i = 0; i < ELEMENTSOF(errors); i++)
        for (int after = 0; after < 16; after += 3) {
            fault_readdir = errors[i];
            fault_readdir_after = after;
            read_again(event, inventory, config, other);
            fault_readdir = 0;
            assert_count(inventory, 4, 2, 6 * DAY);
            ASSERT_EQ(armed, 600 * USEC_PER_SEC);
            ASSERT_EQ(logged(errors[i] == EIO
                                 ? "Failed to read a directory of storage \"present\": "
                                   "Input/output error"
                                 : "Failed to read storage \"present\": "
                                   "Cannot allocate memory"),
                      1);
        }
    fault_fdopendir = EMFILE;
    read_again(event, inventory, config, other);
    fault_fdopendir = 0;
    assert_count(inventory, 4, 2, 6 * DAY);
    ASSERT_EQ(armed, 600 * USEC_PER_SEC);

    /* The entries of another directory are not those of this storage. */
    moved.directory = other->storages[1]->directory;
    other->storages[1] = &moved;
    ASSERT_OK(mkdir(moved.directory, 0700));
    fault_readdir = EIO;
    ASSERT_OK(inventory_use(inventory, other));
    await_count(event);
    fault_readdir = 0;
    assert_count(inventory, 0, 0, 0);
    ASSERT_EQ(armed, 600 * USEC_PER_SEC);

    /* A complete reading drops the entries that are gone. */
    ASSERT_OK(inventory_use(inventory, config));
    await_count(event);
    assert_count(inventory, 4, 2, 6 * DAY);
    ASSERT_EQ(armed, 24 * 3600 * USEC_PER_SEC);
    test_write(path, "cert.pem", "");
    read_again(event, inventory, config, other);
    assert_count(inventory, 3, 2, 16 * DAY);
    ASSERT_EQ(armed, 24 * 3600 * USEC_PER_SEC);
    logged_close();
}

int main(void)
{
    _cleanup_(test_directory_freep) char *directory = test_directory_new();
    _cleanup_free_ char *missing = test_path(directory, "missing");
    char present_name[] = "present", absent_name[] = "absent";
    Storage storage = {
        .name = present_name, .type = STORAGE_FILE, .directory = directory, .renew_within = 14
    };
    Storage absent = {
        .name = absent_name, .type = STORAGE_FILE, .directory = missing, .renew_within = 14
    };
    Storage later = {
        .name = present_name, .type = STORAGE_FILE, .directory = directory, .renew_within = 7
    };
    Config *config = config_new(&storage), *other = config_new(&absent),
           *shorter = config_new(&later);
    _cleanup_free_ char *file = NULL, *whole = NULL, *empty = NULL;
    char key[STORAGE_KEY_SIZE];
    Inventory *inventory;
    sd_event *event;

    /* Files that are no entries are ignored. */
    test_write(directory, "README", "not an entry");
    ASSERT_TRUE(asprintf(&file, "%s/00", directory) > 0);
    ASSERT_OK(mkdir(file, 0700));
    test_write(file, "README", "not an entry either");

    store(&storage, "one", 30);
    store(&storage, "two", 20);
    store(&storage, "due", 10);
    store(&storage, "over", -1);
    store(&storage, "empty", 1);
    empty = entry_path(&storage, "empty");
    ASSERT_OK(storage_key("empty", 5, key));
    ASSERT_OK(storage_drop(&storage, key));
    whole = entry_path(&storage, "one");
    leave_half(&storage, whole);
    leave_half(&storage, empty);

    ASSERT_TRUE(sd_event_new(&event) >= 0);
    ASSERT_OK(inventory_new(event, changed, mark, &inventory));
    assert_count(inventory, 0, 0, 0);
    ASSERT_OK(inventory_use(inventory, config));
    await_count(event);
    assert_count(inventory, 4, 2, 6 * DAY);
    ASSERT_FALSE(test_exists(whole, ".tmp-0123") || test_exists(empty, ".tmp-0123"));
    ASSERT_TRUE(test_exists(whole, "cert.pem") && test_exists(empty, "csr.pem"));

    /* Notes replace an entry, and add one. */
    ASSERT_OK(storage_key("two", 3, key));
    note(inventory, &storage, key, 76 * DAY);
    ASSERT_EQ(n_changes, 2);
    assert_count(inventory, 4, 2, 16 * DAY);
    note(inventory, &storage, FOREIGN_KEY, DAY);
    assert_count(inventory, 5, 2, DAY);

    /* The pause of an entry survives a new certificate and a new reading. */
    set_pause(inventory, &storage, key, 3, 1000);
    note(inventory, &storage, key, 16 * DAY);
    assert_pause(inventory, &storage, key, 3, 1000);
    ASSERT_OK(inventory_use(inventory, shorter));
    await_count(event);
    assert_count(inventory, 4, 1, 3 * DAY);
    assert_pause(inventory, &storage, key, 3, 1000);
    ASSERT_TRUE(!inventory_find(inventory, &absent, key));
    assert_pause(inventory, &storage, key, 3, 1000);
    ASSERT_OK(inventory_use(inventory, config));
    await_count(event);
    note(inventory, &storage, FOREIGN_KEY, DAY);
    assert_count(inventory, 5, 2, DAY);

    /* The same configuration changes nothing; the storages of another one are read. */
    ASSERT_OK(inventory_use(inventory, config));
    ASSERT_EQ(sd_event_run(event, 0), 0);
    other->storages[0] = other->storages[1]; /* the only one, at another index than before */
    other->n_storages = 1;
    ASSERT_OK(inventory_use(inventory, other));
    /* Until they are read, the previous entries stay, and notes reach both sets. */
    ASSERT_TRUE(inventory_config(inventory) == config);
    assert_count(inventory, 5, 2, DAY);
    note(inventory, &storage, FOREIGN_KEY, 3 * DAY);
    note(inventory, &absent, FOREIGN_KEY, 2 * DAY);
    assert_count(inventory, 5, 2, 3 * DAY);
    await_count(event);
    ASSERT_EQ(config->n_ref, 2);
    ASSERT_TRUE(inventory_config(inventory) == other);
    assert_count(inventory, 1, 0, 2 * DAY);

    inventory_free(inventory);
    other->storages[0] = config->storages[0];
    other->n_storages = 2;
    test_unread(event, &storage, config, other);
    sd_event_unref(event);
    config_drop(config);
    config_drop(other);
    config_drop(shorter);
    return EXIT_SUCCESS;
}
