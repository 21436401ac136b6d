/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/storage.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/io.h"
#include "base/macro.h"
#include "statedir/files/atomic-file.h"

/* The largest permitted max-size. */
#define REQUEST_SIZE_MAX ((size_t)16 * 1024 * 1024)

#define DIRECTORY_MODE 0750
#define FILE_MODE      0640

/* <directory>/<h[0:2]>/<h[2:]>; NULL when out of memory. */
static char *entry_path(const Storage *storage, const char *key)
{
    char *path;

    return asprintf(&path, "%s/%.2s/%s", storage->directory, key, key + 2) < 0 ? NULL : path;
}

int storage_open_entry(const Storage *storage, const char *key)
{
    _cleanup_free_ char *path = entry_path(storage, key);
    int fd;

    if (!path)
        return -ENOMEM;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int storage_request(const Storage *storage, const char *key, SignRequest *ret)
{
    _cleanup_close_ int fd = storage_open_entry(storage, key);
    _cleanup_(sign_request_done) SignRequest request = { 0 };
    _cleanup_free_ char *body = NULL;
    size_t size;
    int r;

    if (fd < 0)
        return fd;
    r = read_file_at(fd, STORAGE_CSR_FILE, REQUEST_SIZE_MAX, &body, &size);
    if (r < 0)
        return r == -EFBIG ? -EBADMSG : r;
    r = sign_request_take(&request, &body, size);
    if (r < 0)
        return r;
    if (!streq(request.key, key))
        return -EBADMSG;
    *ret = request;
    request = (SignRequest){ 0 };
    return 0;
}

int storage_drop(const Storage *storage, const char *key)
{
    _cleanup_close_ int fd = storage_open_entry(storage, key);

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    if (unlinkat(fd, STORAGE_CERT_FILE, 0) < 0 && errno != ENOENT)
        return -errno;
    return fsync(fd) < 0 ? -errno : 0;
}

/* Opens the directory of the entry, removes the temporary files of a crash and writes csr.pem.
 * Returns a descriptor or -errno. */
static int open_entry(const Storage *storage, const SignRequest *request)
{
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *path = entry_path(storage, request->key);
    int r;

    if (!path)
        return -ENOMEM;
    fd = directory_open(path, DIRECTORY_MODE);
    if (fd < 0)
        return fd;
    /* At the start it would take too long to clean all entries. Each entry has only one writer. */
    r = atomic_clean_at(fd);
    if (r < 0)
        return r;
    r = atomic_replace_at(fd, STORAGE_CSR_FILE, request->body, request->size, FILE_MODE);
    return r < 0 ? r : TAKE_FD(fd);
}

int storage_prepare(const Storage *storage, const SignRequest *request)
{
    _cleanup_close_ int fd = -EBADF;

    if (storage->type == STORAGE_NONE)
        return 0;
    fd = open_entry(storage, request);
    return fd < 0 ? fd : 0;
}

int storage_store(const Storage *storage, const SignRequest *request, const Chain *chain)
{
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *pem = NULL;
    size_t pem_size;
    int r;

    if (storage->type == STORAGE_NONE)
        return 0;
    r = chain_format(chain, &pem, &pem_size);
    if (r < 0)
        return r;
    fd = open_entry(storage, request);
    return fd < 0 ? fd : atomic_replace_at(fd, STORAGE_CERT_FILE, pem, pem_size, FILE_MODE);
}
