/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage-scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "io.h"

/* Hexadecimal digits in the names of the two levels of directories. */
#define OUTER_DIGITS ((size_t)2)
#define INNER_DIGITS (STORAGE_KEY_SIZE - 1 - OUTER_DIGITS)

struct StorageScan {
    Storage storage; /* its directory is a copy */
    DIR *outer;      /* NULL before the first look */
    DIR *inner;      /* the entries that begin with .prefix; NULL: the next one is to be opened */
    char prefix[OUTER_DIGITS + 1];
};

static DIR *open_directory(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);

    if (!directory)
        (void)safe_close(fd);
    return directory;
}

static DIR *close_directory(DIR *directory)
{
    if (directory)
        (void)closedir(directory);
    return NULL;
}

/* The next name of so many hexadecimal digits; NULL: there is none. */
static const char *next_name(DIR *directory, size_t digits)
{
    const struct dirent *entry;

    while ((entry = readdir(directory)))
        if (strlen(entry->d_name) == digits && strspn(entry->d_name, "0123456789abcdef") == digits)
            return entry->d_name;
    return NULL;
}

/* Whether there is one more directory of entries. */
static bool open_next(StorageScan *scan)
{
    const char *name = next_name(scan->outer, OUTER_DIGITS);

    if (!name)
        return false;
    memcpy(scan->prefix, name, OUTER_DIGITS);
    scan->inner = open_directory(dirfd(scan->outer), name);
    return true;
}

/* 1; 0: not usable; -ENOMEM. */
static int look_at(int entry_fd, const Storage *storage, StorageEntry *ret)
{
    _cleanup_storage_meta_ StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;
    _cleanup_free_ char *pem = NULL;
    const char *reason;
    size_t size;
    int r;

    r = read_file_at(entry_fd, STORAGE_CERT_FILE, CHAIN_SIZE_MAX, &pem, &size);
    if (r >= 0)
        r = chain_parse(pem, size, &chain, &reason);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    storage_meta_load_at(entry_fd, chain, &meta);
    chain_fingerprint(chain, ret->fingerprint);
    renewal_times(storage, chain, &meta, &ret->times);
    ret->not_after = chain_not_after(chain);
    ret->asked = meta.asked;
    ret->ask_at = meta.ask_at;
    return 1;
}

static int look_at_name(const StorageScan *scan, const char *name, StorageEntry *ret)
{
    _cleanup_close_ int fd =
        openat(dirfd(scan->inner), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    (void)snprintf(ret->key, STORAGE_KEY_SIZE, "%s%s", scan->prefix, name);
    return fd < 0 ? 0 : look_at(fd, &scan->storage, ret);
}

int storage_look(const Storage *storage, const char *key, StorageEntry *ret)
{
    _cleanup_close_ int fd = storage_open_entry(storage, key);

    (void)snprintf(ret->key, STORAGE_KEY_SIZE, "%s", key);
    return fd < 0 ? 0 : look_at(fd, storage, ret);
}

int storage_scan_next(StorageScan *scan, StorageEntry *ret)
{
    if (!scan->outer)
        scan->outer = opendir(scan->storage.directory);
    if (!scan->outer)
        return 0;
    while (scan->inner || open_next(scan)) {
        const char *name = scan->inner ? next_name(scan->inner, INNER_DIGITS) : NULL;
        int r;

        if (!name) {
            scan->inner = close_directory(scan->inner);
            continue;
        }
        r = look_at_name(scan, name, ret);
        if (r != 0)
            return r;
    }
    return 0;
}

int storage_scan_new(const Storage *storage, StorageScan **ret)
{
    _cleanup_(storage_scan_freep) StorageScan *scan = calloc(1, sizeof(*scan));

    if (!scan)
        return -ENOMEM;
    scan->storage = *storage;
    scan->storage.directory = strdup(storage->directory);
    if (!scan->storage.directory)
        return -ENOMEM;
    *ret = TAKE_PTR(scan);
    return 0;
}

StorageScan *storage_scan_free(StorageScan *scan)
{
    if (!scan)
        return NULL;
    close_directory(scan->inner);
    close_directory(scan->outer);
    free(scan->storage.directory);
    free(scan);
    return NULL;
}
