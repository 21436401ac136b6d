/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/account/account-dir.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/credential.h"
#include "base/io.h"
#include "base/macro.h"
#include "statedir/files/atomic-file.h"
#include "strings/text.h"

#define FILE_SIZE_MAX ((size_t)64 * 1024)

DEFINE_CLEANUP_FUNC(BIO *, BIO_free)

char *account_key_path(const char *directory)
{
    char *path;

    return asprintf(&path, "%s/" ACCOUNT_KEY_FILE, directory) < 0 ? NULL : path;
}

static int read_account_file(const char *directory, const char *name, char **ret, size_t *ret_size)
{
    _cleanup_free_ char *path = NULL;
    int r;

    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return -ENOMEM;
    r = read_file_at(AT_FDCWD, path, FILE_SIZE_MAX, ret, ret_size);
    return r == -EFBIG ? -EBADMSG : r;
}

bool account_key_is_credential(void)
{
    return credential_directory(ACCOUNT_KEY_FILE);
}

char *account_file_describe(const char *directory, const char *name)
{
    bool is_credential = streq(name, ACCOUNT_KEY_FILE) && account_key_is_credential();
    char *text;

    return asprintf(&text, "%s/%s%s",
                    is_credential ? credential_directory(ACCOUNT_KEY_FILE) : directory, name,
                    is_credential ? ", a copy of the credential that the unit of the service names"
                                  : "") < 0
               ? NULL
               : text;
}

static int key_load(const char *directory, const char *name, char why[ACCOUNT_KEY_WHY_SIZE],
                    EVP_PKEY **ret)
{
    _cleanup_free_ char *pem = NULL;
    size_t size;
    int r;

    r = read_account_file(directory, name, &pem, &size);
    if (r < 0) {
        (void)snprintf(why, ACCOUNT_KEY_WHY_SIZE, "%s",
                       r == -EBADMSG ? "it is larger than 64 KiB" : strerror(-r));
        return r;
    }
    r = account_key_parse(pem, size, why, ret);
    OPENSSL_cleanse(pem, size);
    return r;
}

int account_key_load(const char *directory, char why[ACCOUNT_KEY_WHY_SIZE], EVP_PKEY **ret)
{
    return key_load(str_or(credential_directory(ACCOUNT_KEY_FILE), directory), ACCOUNT_KEY_FILE,
                    why, ret);
}

/* One of atomic_replace_at() and atomic_create_at(). */
typedef int (*write_t)(int dir_fd, const char *name, const void *data, size_t size, mode_t mode);

static int key_save(const char *directory, const char *name, EVP_PKEY *key, write_t write_as)
{
    /* OpenSSL clears this memory when it is freed. */
    _cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_secmem());
    _cleanup_close_ int fd = -EBADF;
    char *pem;
    long size;

    if (account_key_is_credential())
        return -EROFS;
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        ERR_clear_error();
        return -ENOMEM;
    }
    size = BIO_get_mem_data(bio, &pem);
    fd = directory_open(directory, 0700);
    if (fd < 0)
        return fd;
    return write_as(fd, name, pem, (size_t)size, 0600);
}

int account_key_save(const char *directory, EVP_PKEY *key, bool replace)
{
    return key_save(directory, ACCOUNT_KEY_FILE, key,
                    replace ? atomic_replace_at : atomic_create_at);
}

static int open_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

bool account_new_key_exists(const char *directory)
{
    _cleanup_close_ int fd = open_directory(directory);

    return fd >= 0 && !account_key_is_credential() &&
           faccessat(fd, ACCOUNT_NEW_KEY_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int account_new_key_load(const char *directory, char why[ACCOUNT_KEY_WHY_SIZE], EVP_PKEY **ret)
{
    return account_key_is_credential() ? -ENOENT
                                       : key_load(directory, ACCOUNT_NEW_KEY_FILE, why, ret);
}

int account_new_key_save(const char *directory, EVP_PKEY *key)
{
    return key_save(directory, ACCOUNT_NEW_KEY_FILE, key, atomic_create_at);
}

/* Also removes the temporary files of a crash, which may contain a key that is not used. */
static int new_key_gone(int fd, int r)
{
    if (r < 0)
        return -errno;
    r = atomic_clean_at(fd);
    if (r < 0)
        return r;
    return fsync(fd) < 0 ? -errno : 0;
}

int account_new_key_adopt(const char *directory)
{
    _cleanup_close_ int fd = open_directory(directory);

    return fd < 0 ? fd : new_key_gone(fd, renameat(fd, ACCOUNT_NEW_KEY_FILE, fd, ACCOUNT_KEY_FILE));
}

int account_new_key_remove(const char *directory)
{
    _cleanup_close_ int fd = open_directory(directory);

    return fd < 0 ? fd : new_key_gone(fd, unlinkat(fd, ACCOUNT_NEW_KEY_FILE, 0));
}

int account_dir_lock(const char *directory)
{
    _cleanup_close_ int fd = open_directory(directory);

    if (fd < 0)
        return fd;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    return TAKE_FD(fd);
}

int account_registration_load(const char *directory, json_t **ret)
{
    _cleanup_(json_decrefp) json_t *registration = NULL;
    _cleanup_free_ char *text = NULL;
    const json_t *uri;
    size_t size, mark;
    int r;

    r = read_account_file(directory, ACCOUNT_REGISTRATION_FILE, &text, &size);
    if (r < 0)
        return r;
    mark = text_mark_size(text, size);
    registration = json_loadb(text + mark, size - mark, JSON_REJECT_DUPLICATES, NULL);
    uri = json_object_get(registration, "uri");
    if (!json_is_object(json_object_get(registration, "body")) || (uri && !json_is_string(uri)))
        return -EBADMSG;
    *ret = TAKE_PTR(registration);
    return 0;
}

const char *account_registration_words(int error)
{
    return error == -EBADMSG ? "it is not the registration of an account in JSON; remove it, and "
                               "run acme-register --register"
                             : strerror(-error);
}

int account_registration_save(const char *directory, const json_t *registration)
{
    _cleanup_free_ char *text = json_dumps(registration, JSON_SORT_KEYS | JSON_INDENT(4));
    _cleanup_close_ int fd = -EBADF;

    if (!text)
        return -ENOMEM;
    fd = directory_open(directory, 0700);
    if (fd < 0)
        return fd;
    return atomic_replace_at(fd, ACCOUNT_REGISTRATION_FILE, text, strlen(text), 0600);
}
