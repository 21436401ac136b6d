/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/revoked-key.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>

#include "statedir/files/atomic-file.h"
#include "x509/public-key.h"

#define VERSION   1
#define SUFFIX    ".json"
#define NAME_SIZE (PUBLIC_KEY_HASH_SIZE + STRLEN(SUFFIX))

/* acmems-sign reads as a member of the group. */
#define DIRECTORY_MODE 0750
#define FILE_MODE      0640

static int file_name(EVP_PKEY *key, char ret[NAME_SIZE])
{
    char hash[PUBLIC_KEY_HASH_SIZE];
    int r = public_key_hash(key, hash);

    if (r >= 0)
        (void)snprintf(ret, NAME_SIZE, "%s" SUFFIX, hash);
    return r;
}

static char *directory_path(const char *state)
{
    char *path;

    return asprintf(&path, "%s/" REVOKED_KEYS_DIRECTORY, state) < 0 ? NULL : path;
}

int revoked_key_save(const char *state, EVP_PKEY *key, const char *serial, time_t now)
{
    json_auto_t *object =
        json_pack("{si sI ss}", "version", VERSION, "revoked", (json_int_t)now, "serial", serial);
    _cleanup_free_ char *text = object ? json_dumps(object, JSON_SORT_KEYS | JSON_INDENT(4)) : NULL;
    _cleanup_free_ char *path = directory_path(state);
    _cleanup_close_ int fd = -EBADF;
    char name[NAME_SIZE];
    int r = text && path ? file_name(key, name) : -ENOMEM;

    if (r < 0)
        return r;
    fd = directory_open(path, DIRECTORY_MODE);
    if (fd < 0)
        return fd;
    /* The first file stays: it has the time since when the key must not be used. */
    r = atomic_create_at(fd, name, text, strlen(text), FILE_MODE);
    return r == -EEXIST ? 0 : r;
}

int revoked_key_is_known(const char *state, EVP_PKEY *key)
{
    _cleanup_free_ char *path = directory_path(state);
    _cleanup_close_ int directory = -EBADF, file = -EBADF;
    char name[NAME_SIZE];
    int r = path ? file_name(key, name) : -ENOMEM;

    if (r < 0)
        return r;
    directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return errno == ENOENT ? 0 : -errno;
    file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT ? 0 : -errno;
    return 1;
}
