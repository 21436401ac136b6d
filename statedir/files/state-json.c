/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/state-json.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/directory.h"
#include "base/io.h"
#include "statedir/files/atomic-file.h"
#include "strings/strv.h"

#define DIRECTORY_MODE 0700
#define FILE_MODE      0600
#define SUFFIX         ".json"
#define NAME_SIZE      (STORAGE_KEY_SIZE + STRLEN(SUFFIX))

int state_json_key(const char *kind, const char *server, const char *what,
                   char ret[STORAGE_KEY_SIZE])
{
    _cleanup_free_ char *text = NULL;
    int n = asprintf(&text, "%s\n%s\n%s", kind, server, what);

    if (n < 0) {
        text = NULL;
        return -ENOMEM;
    }
    return storage_key(text, (size_t)n, ret);
}

static char *directory_path(const char *state, const char *directory)
{
    char *path;

    return asprintf(&path, "%s/%s", state, directory) < 0 ? NULL : path;
}

static int open_directory(const char *state, const char *directory)
{
    _cleanup_free_ char *path = directory_path(state, directory);
    int fd;

    if (!path)
        return -ENOMEM;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static const char *file_name(const char *key, char buf[NAME_SIZE])
{
    (void)snprintf(buf, NAME_SIZE, "%s" SUFFIX, key);
    return buf;
}

int state_json_save(const char *state, const char *directory, const char *key, const json_t *object)
{
    _cleanup_free_ char *path = directory_path(state, directory);
    _cleanup_free_ char *text = json_dumps(object, JSON_SORT_KEYS | JSON_INDENT(4));
    _cleanup_close_ int fd = -EBADF;
    char name[NAME_SIZE];

    if (!path || !text)
        return -ENOMEM;
    fd = directory_open(path, DIRECTORY_MODE);
    if (fd < 0)
        return fd;
    return atomic_replace_at(fd, file_name(key, name), text, strlen(text), FILE_MODE);
}

int state_json_load(const char *state, const char *directory, const char *key, size_t max,
                    json_t **ret)
{
    _cleanup_close_ int fd = open_directory(state, directory);
    _cleanup_free_ char *text = NULL;
    json_auto_t *object = NULL;
    char name[NAME_SIZE];
    size_t size;
    int r;

    if (fd < 0)
        return fd;
    r = read_file_at(fd, file_name(key, name), max, &text, &size);
    if (r < 0)
        return r == -EFBIG ? -EBADMSG : r;
    object = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object))
        return -EBADMSG;
    *ret = TAKE_PTR(object);
    return 0;
}

int state_json_is_old(const char *state, const char *directory, const char *key, time_t since)
{
    _cleanup_close_ int fd = open_directory(state, directory);
    char name[NAME_SIZE];
    struct stat st;

    if (fd < 0)
        return fd;
    if (fstatat(fd, file_name(key, name), &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return st.st_mtime <= since;
}

int state_json_remove(const char *state, const char *directory, const char *key)
{
    _cleanup_close_ int fd = open_directory(state, directory);
    char name[NAME_SIZE];

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    return unlinkat(fd, file_name(key, name), 0) < 0 && errno != ENOENT ? -errno : 0;
}

int state_json_directory(const char *state, const char *directory, char **ret)
{
    _cleanup_free_ char *path = directory_path(state, directory);
    _cleanup_close_ int fd = -EBADF;

    if (!path)
        return -ENOMEM;
    fd = directory_open(path, DIRECTORY_MODE);
    if (fd < 0)
        return fd;
    *ret = TAKE_PTR(path);
    return 0;
}

bool state_json_is_named(const char *name, char key[STORAGE_KEY_SIZE])
{
    size_t length = STORAGE_KEY_SIZE - 1;

    if (strlen(name) != length + STRLEN(SUFFIX) || !streq(name + length, SUFFIX))
        return false;
    memcpy(key, name, length);
    key[length] = '\0';
    return storage_is_key(key);
}

int state_json_list(const char *state, const char *directory, char ***ret)
{
    _cleanup_free_ char *path = directory_path(state, directory);
    _cleanup_closedir_ DIR *opened = NULL;
    _cleanup_strv_ char **keys = NULL;
    char key[STORAGE_KEY_SIZE];
    const char *name;
    int r = path ? directory_list_at(AT_FDCWD, path, 0, &opened) : -ENOMEM;

    if (r == -ENOENT) {
        *ret = NULL;
        return 0;
    }
    if (r < 0)
        return r;
    while ((r = directory_next(opened, &name)) > 0) {
        r = state_json_is_named(name, key) ? strv_extend(&keys, key) : 0;
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    strv_sort(keys);
    *ret = TAKE_PTR(keys);
    return 0;
}

int state_json_clean(const char *state, const char *directory)
{
    _cleanup_close_ int fd = open_directory(state, directory);
    int r;

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    r = atomic_clean_at(fd);
    return r < 0 ? r : 0;
}

int state_json_sweep(const char *state, const char *directory, state_json_over_cb is_over,
                     time_t now)
{
    _cleanup_strv_ char **keys = NULL;
    int r = state_json_clean(state, directory);

    if (r >= 0)
        r = state_json_list(state, directory, &keys);
    if (r < 0)
        return r;
    STRV_FOREACH (key, keys) {
        r = is_over(state, *key, now);
        if (r > 0)
            r = state_json_remove(state, directory, *key);
        if (r < 0)
            return r;
    }
    return 0;
}
