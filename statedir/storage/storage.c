/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/storage.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <time.h>

#include "base/io.h"
#include "base/macro.h"
#include "statedir/files/atomic-file.h"
#include "statedir/storage/renewal.h"
#include "strings/encode.h"

#define CSR_FILE "csr.pem"

/* max-size at its largest. */
#define REQUEST_SIZE_MAX ((size_t)16 * 1024 * 1024)

#define DIRECTORY_MODE 0750
#define FILE_MODE      0640

void storage_key(const void *body, size_t size, char key[STORAGE_KEY_SIZE])
{
    unsigned char hash[SHA384_DIGEST_LENGTH];

    /* Fails only where libcrypto cannot work at all. */
    if (!SHA384(body, size, hash))
        abort();
    hex_encode(hash, sizeof(hash), key);
}

bool storage_is_key(const char *text)
{
    return strlen(text) == STORAGE_KEY_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == STORAGE_KEY_SIZE - 1;
}

uint32_t storage_key_dice(const char *key)
{
    char digits[9] = { 0 };

    memcpy(digits, key, sizeof(digits) - 1);
    return (uint32_t)strtoul(digits, NULL, 16);
}

/* <directory>/<h[0:2]>/<h[2:]>; NULL when out of memory. */
static char *entry_path(const Storage *storage, const char *key)
{
    char *path;

    return asprintf(&path, "%s/%.2s/%s", storage->directory, key, key + 2) < 0 ? NULL : path;
}

static int damaged(const char **ret_why, const char *why)
{
    *ret_why = why;
    return STORAGE_DAMAGED;
}

/* STORAGE_HIT with the content; STORAGE_DAMAGED; -ENOENT; other -errno. */
static int read_entry_file(int entry_fd, const char *name, size_t max, char **ret, size_t *ret_size,
                           const char **ret_why)
{
    int r = read_file_at(entry_fd, name, max, ret, ret_size);

    switch (r) {
    case 0:
        return STORAGE_HIT;
    case -EFBIG:
        return damaged(ret_why, "a file of it is larger than it can be");
    case -EBADF:
    case -ELOOP:
        return damaged(ret_why, "a file of it is not a regular file");
    default:
        return r;
    }
}

/* Whether csr.pem is the body, byte for byte. */
static int check_request(int entry_fd, const void *body, size_t size, const char **ret_why)
{
    _cleanup_free_ char *stored = NULL;
    size_t stored_size;
    int r;

    r = read_entry_file(entry_fd, CSR_FILE, size, &stored, &stored_size, ret_why);
    if (r == -ENOENT)
        return damaged(ret_why, "csr.pem is missing");
    if (r != STORAGE_HIT)
        return r;
    if (stored_size != size || memcmp(stored, body, size) != 0)
        return damaged(ret_why, "csr.pem is not the request");
    return STORAGE_HIT;
}

static int read_chain(int entry_fd, Chain **ret, const char **ret_why)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    _cleanup_free_ char *pem = NULL;
    const char *why;
    size_t size;
    int r;

    r = read_entry_file(entry_fd, STORAGE_CERT_FILE, CHAIN_SIZE_MAX, &pem, &size, ret_why);
    /* A request alone is what a crash leaves while an entry is made. */
    if (r == -ENOENT)
        return STORAGE_MISS;
    if (r != STORAGE_HIT)
        return r;
    r = chain_parse(pem, size, &chain, &why);
    if (r == -EBADMSG)
        return damaged(ret_why, why);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(chain);
    return STORAGE_HIT;
}

static int open_failed(int error, const char **ret_why)
{
    switch (error) {
    case -ENOENT:
        return STORAGE_MISS;
    case -ENOTDIR:
    case -ELOOP:
        return damaged(ret_why, "something else stands in place of its directory");
    default:
        return error;
    }
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

/* As storage_load(), and the entry's directory. */
static int load(const Storage *storage, const char *key, int *ret_fd, Chain **ret,
                const char **ret_why)
{
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (storage->type == STORAGE_NONE)
        return STORAGE_MISS;
    fd = storage_open_entry(storage, key);
    if (fd < 0)
        return open_failed(fd, ret_why);
    r = read_chain(fd, ret, ret_why);
    if (r == STORAGE_HIT)
        *ret_fd = TAKE_FD(fd);
    return r;
}

int storage_load(const Storage *storage, const char *key, Chain **ret, const char **ret_why)
{
    _cleanup_close_ int fd = -EBADF;

    return load(storage, key, &fd, ret, ret_why);
}

static int is_due(const Storage *storage, const char *key, const Chain *chain)
{
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    int r = storage_meta_load(storage, key, chain, &meta);

    return r < 0 ? r : time(NULL) > renewal_of(storage, key, chain, &meta).due;
}

int storage_lookup(const Storage *storage, const void *body, size_t size, const Csr *csr,
                   Chain **ret, const char **ret_why)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    _cleanup_close_ int fd = -EBADF;
    char key[STORAGE_KEY_SIZE];
    const char *why;
    int r;

    storage_key(body, size, key);
    r = load(storage, key, &fd, &chain, ret_why);
    if (r != STORAGE_HIT)
        return r;
    r = chain_check(chain, csr, &why);
    if (r == -EBADMSG)
        return damaged(ret_why, why);
    if (r >= 0)
        r = check_request(fd, body, size, ret_why);
    if (r != STORAGE_HIT)
        return r;
    r = is_due(storage, key, chain);
    if (r < 0)
        return r;
    r = r > 0 ? STORAGE_OUTDATED : STORAGE_HIT;
    *ret = TAKE_PTR(chain);
    return r;
}

int storage_request(const Storage *storage, const char *key, char **ret, size_t *ret_size)
{
    _cleanup_close_ int fd = storage_open_entry(storage, key);
    _cleanup_free_ char *body = NULL;
    char own[STORAGE_KEY_SIZE];
    size_t size;
    int r;

    if (fd < 0)
        return fd;
    r = read_file_at(fd, CSR_FILE, REQUEST_SIZE_MAX, &body, &size);
    if (r < 0)
        return r == -EFBIG ? -EBADMSG : r;
    storage_key(body, size, own);
    if (!streq(own, key))
        return -EBADMSG;
    *ret = TAKE_PTR(body);
    *ret_size = size;
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

/* The directory of the entry, with csr.pem in it; what a crash left there is gone. fd or -errno. */
static int open_entry(const Storage *storage, const void *body, size_t size)
{
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *path = NULL;
    char key[STORAGE_KEY_SIZE];
    int r;

    storage_key(body, size, key);
    path = entry_path(storage, key);
    if (!path)
        return -ENOMEM;
    fd = directory_open(path, DIRECTORY_MODE);
    if (fd < 0)
        return fd;
    /* Too many directories to sweep before the start; one entry has one writer. */
    r = atomic_clean_at(fd);
    if (r < 0)
        return r;
    r = atomic_replace_at(fd, CSR_FILE, body, size, FILE_MODE);
    return r < 0 ? r : TAKE_FD(fd);
}

int storage_prepare(const Storage *storage, const void *body, size_t size)
{
    _cleanup_close_ int fd = -EBADF;

    if (storage->type == STORAGE_NONE)
        return 0;
    fd = open_entry(storage, body, size);
    return fd < 0 ? fd : 0;
}

int storage_store(const Storage *storage, const void *body, size_t size, const Chain *chain)
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
    fd = open_entry(storage, body, size);
    return fd < 0 ? fd : atomic_replace_at(fd, STORAGE_CERT_FILE, pem, pem_size, FILE_MODE);
}
