/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/io.h"
#include "statedir/files/atomic-file.h"

/* Hexadecimal digits in the names of the two levels of directories. */
#define OUTER_DIGITS ((size_t)2)
#define INNER_DIGITS (STORAGE_KEY_SIZE - 1 - OUTER_DIGITS)

struct StorageScan {
    Storage storage; /* with a directory of its own */
    bool cleans;
    DIR *outer; /* NULL before the first look */
    DIR *inner; /* the entries that begin with .prefix; NULL: the next one is to be opened */
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

/* What cannot be removed is in nobody's way. */
static void clean_entry(const StorageScan *scan, const char *name)
{
    _cleanup_close_ int fd =
        openat(dirfd(scan->inner), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0)
        (void)atomic_clean_at(fd);
}

int storage_renewal(const Storage *storage, const char *key, Renewal *ret)
{
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;
    int r = storage_load_known(storage, key, &chain, &meta);

    if (r != STORAGE_HIT)
        return r == -ENOMEM ? r : 0;
    *ret = renewal_of(storage, key, chain, &meta);
    return 1;
}

int storage_scan_next(StorageScan *scan, char key[STORAGE_KEY_SIZE], Renewal *ret)
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
        if (scan->cleans)
            clean_entry(scan, name);
        (void)snprintf(key, STORAGE_KEY_SIZE, "%s%s", scan->prefix, name);
        r = storage_renewal(&scan->storage, key, ret);
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

void storage_scan_set_cleaning(StorageScan *scan)
{
    scan->cleans = true;
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
