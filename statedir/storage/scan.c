/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/scan.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/directory.h"
#include "statedir/files/atomic-file.h"

/* Hexadecimal digits in the names of the two levels of directories. */
#define OUTER_DIGITS ((size_t)2)
#define INNER_DIGITS (STORAGE_KEY_SIZE - 1 - OUTER_DIGITS)

struct StorageScan {
    Storage storage; /* .directory is a copy */
    bool cleans;
    bool is_over; /* .outer has no more names */
    DIR *outer;   /* NULL: not opened yet */
    DIR *inner;   /* the entries that begin with .prefix; NULL: open the next one */
    char prefix[OUTER_DIGITS + 1];
};

static DIR *close_directory(DIR *directory)
{
    if (directory)
        (void)closedir(directory);
    return NULL;
}

/* A file that is not a directory does not belong to the cache, and another process may remove a
 * directory during the scan. */
static bool is_no_directory(int error)
{
    return error == -ENOENT || error == -ENOTDIR || error == -ELOOP;
}

/* Finds the next name that consists of so many hexadecimal digits. Returns 1; 0: no more;
 * -errno. */
static int next_name(DIR *directory, size_t digits, const char **ret)
{
    int r;

    while ((r = directory_next(directory, ret)) > 0)
        if (strlen(*ret) == digits && strspn(*ret, "0123456789abcdef") == digits)
            return 1;
    return r;
}

/* Opens the directory of the cache. Returns 1; 0: it does not exist; -errno. */
static int open_outer(StorageScan *scan)
{
    int r = directory_list_at(AT_FDCWD, scan->storage.directory, 0, &scan->outer);

    if (r < 0) {
        scan->is_over = true;
        return is_no_directory(r) ? 0 : r;
    }
    return 1;
}

/* Opens the next directory of entries. Returns 1; 0: no more; -errno. */
static int open_inner(StorageScan *scan)
{
    const char *name;
    int r;

    while ((r = next_name(scan->outer, OUTER_DIGITS, &name)) > 0) {
        memcpy(scan->prefix, name, OUTER_DIGITS);
        r = directory_list_at(dirfd(scan->outer), name, O_NOFOLLOW, &scan->inner);
        if (r >= 0)
            return 1;
        if (!is_no_directory(r))
            return r;
    }
    scan->is_over = true;
    return r;
}

/* Finds the next entry. Returns 1; 0: no more; -errno: the next call continues after the directory
 * that cannot be read. */
static int next_entry(StorageScan *scan, const char **ret)
{
    int r = scan->outer || scan->is_over ? 0 : open_outer(scan);

    while (r >= 0 && !scan->is_over) {
        r = scan->inner ? 1 : open_inner(scan);
        if (r <= 0)
            return r;
        r = next_name(scan->inner, INNER_DIGITS, ret);
        if (r > 0)
            return r;
        scan->inner = close_directory(scan->inner);
    }
    return r < 0 ? r : 0;
}

/* Ignores errors: a temporary file that stays does no harm. */
static void clean_entry(const StorageScan *scan, const char *name)
{
    _cleanup_close_ int fd =
        openat(dirfd(scan->inner), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0)
        (void)atomic_clean_at(fd);
}

int storage_scan_next(StorageScan *scan, char key[STORAGE_KEY_SIZE], Renewal *ret)
{
    const char *name;
    int r;

    while ((r = next_entry(scan, &name)) > 0) {
        if (scan->cleans)
            clean_entry(scan, name);
        (void)snprintf(key, STORAGE_KEY_SIZE, "%s%s", scan->prefix, name);
        r = storage_renewal(&scan->storage, key, ret);
        if (r != 0)
            return r;
    }
    return r;
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
