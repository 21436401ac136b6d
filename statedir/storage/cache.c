/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/cache.h"

#include <time.h>

#include "base/io.h"

/* A CA may need some time before it can answer queries about a new certificate, s. */
#define ASK_SOON 10

static int damaged(const char **ret_why, const char *why)
{
    *ret_why = why;
    return STORAGE_DAMAGED;
}

/* Translates the result of read_file_at(). Returns STORAGE_HIT: the file was read; STORAGE_DAMAGED;
 * -ENOENT; other -errno. */
static int entry_file_result(int r, const char **ret_why)
{
    switch (r) {
    case 0:
        return STORAGE_HIT;
    case -EFBIG:
        return damaged(ret_why, "one of its files is larger than allowed");
    case -EBADF:
    case -ELOOP:
        return damaged(ret_why, "one of its files is not a regular file");
    default:
        return r;
    }
}

/* Compares csr.pem with the body of the request, byte for byte. */
static int check_request(int entry_fd, const SignRequest *request, const char **ret_why)
{
    _cleanup_free_ char *stored = NULL;
    size_t size;
    int r;

    r = entry_file_result(read_file_at(entry_fd, STORAGE_CSR_FILE, request->size, &stored, &size),
                          ret_why);
    if (r == -ENOENT)
        return damaged(ret_why, "csr.pem is missing");
    if (r != STORAGE_HIT)
        return r;
    if (size != request->size || memcmp(stored, request->body, size) != 0)
        return damaged(ret_why, "csr.pem differs from the request");
    return STORAGE_HIT;
}

static int read_chain(int entry_fd, Chain **ret, const char **ret_why)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    _cleanup_free_ char *pem = NULL;
    const char *why;
    size_t size;
    int r;

    r = entry_file_result(read_file_at(entry_fd, STORAGE_CERT_FILE, CHAIN_SIZE_MAX, &pem, &size),
                          ret_why);
    /* A crash during the creation of an entry leaves a request without a certificate. */
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
        return damaged(ret_why, "its path is not a directory");
    default:
        return error;
    }
}

/* As storage_load(), and opens the directory of the entry. */
static int cache_load(const Storage *storage, const char *key, int *ret_fd, Chain **ret,
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

    return cache_load(storage, key, &fd, ret, ret_why);
}

static int judge(const Storage *storage, const SignRequest *request, const Chain *chain)
{
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    int r = storage_meta_load(storage, request->key, chain, &meta);

    if (r < 0)
        return r;
    if (request->auth && !auth_block_uses_ca(request->auth, meta.server))
        return STORAGE_MISS;
    return time(NULL) > renewal_of(storage, request->key, chain, &meta).due ? STORAGE_OUTDATED
                                                                            : STORAGE_HIT;
}

int storage_lookup(const Storage *storage, const SignRequest *request, Chain **ret,
                   const char **ret_why)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    _cleanup_close_ int fd = -EBADF;
    const char *why;
    int r;

    r = cache_load(storage, request->key, &fd, &chain, ret_why);
    if (r != STORAGE_HIT)
        return r;
    r = chain_check(chain, request->csr, &why);
    if (r == -EBADMSG)
        return damaged(ret_why, why);
    if (r >= 0)
        r = check_request(fd, request, ret_why);
    if (r != STORAGE_HIT)
        return r;
    r = judge(storage, request, chain);
    if (r == STORAGE_HIT || r == STORAGE_OUTDATED)
        *ret = TAKE_PTR(chain);
    return r;
}

int storage_load_known(const Storage *storage, const char *key, Chain **ret, StorageMeta *ret_meta)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    const char *why;
    int r = storage_load(storage, key, &chain, &why);

    if (r != STORAGE_HIT)
        return r;
    r = storage_meta_load(storage, key, chain, ret_meta);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(chain);
    return STORAGE_HIT;
}

int storage_renewal(const Storage *storage, const char *key, Renewal *ret)
{
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;
    int r = storage_load_known(storage, key, &chain, &meta);

    if (r != STORAGE_HIT)
        return r < 0 ? r : 0;
    *ret = renewal_of(storage, key, chain, &meta);
    return 1;
}

char *cached_renewal_id(const Storage *storage, const char *key, const char *server)
{
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;

    if (storage_load_known(storage, key, &chain, &meta) != STORAGE_HIT || !meta.server ||
        !streq(meta.server, server) || !chain_is_alive(chain, time(NULL)))
        return NULL;
    return chain_renewal_id(chain);
}

/* The time of the last request for the cached certificate; 0: there is no usable one. */
static time_t last_asked(const Storage *storage, const char *key)
{
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;

    return storage_load_known(storage, key, &chain, &meta) == STORAGE_HIT ? meta.asked : 0;
}

int cached_store(const Storage *storage, const SignRequest *request, const Chain *chain,
                 const CachedFrom *from, Renewal *ret)
{
    /* Dropping const is safe: the strings are only read. */
    StorageMeta meta = { .server = (char *)(uintptr_t)from->server,
                         .account = (char *)(uintptr_t)from->account,
                         .auth = (char *)(uintptr_t)from->auth,
                         .asked = from->asked,
                         .ask_at = time(NULL) + ASK_SOON };
    int r;

    if (meta.asked == 0)
        meta.asked = last_asked(storage, request->key);
    if (meta.asked == 0)
        meta.asked = time(NULL);
    r = storage_store(storage, request, chain);
    if (r < 0)
        return r;
    r = storage_meta_save(storage, request->key, chain, &meta);
    *ret = renewal_of(storage, request->key, chain, &meta);
    return r < 0 ? -r : 0;
}
