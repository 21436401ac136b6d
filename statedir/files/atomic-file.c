/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/atomic-file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/directory.h"
#include "base/io.h"
#include "base/macro.h"
#include "strings/encode.h"

#define TEMP_PREFIX      ".tmp-"
#define TEMP_RANDOM_SIZE ((size_t)12)
#define TEMP_NAME_SIZE   (STRLEN(TEMP_PREFIX) + 2 * TEMP_RANDOM_SIZE + 1)

static bool name_is_valid(const char *name)
{
    return *name && !strchr(name, '/') && !streq(name, ".") && !streq(name, "..");
}

static int temp_open(int dir_fd, char name[TEMP_NAME_SIZE])
{
    unsigned char random[TEMP_RANDOM_SIZE];
    int fd;

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -EIO;
    hex_encode(random, sizeof(random), stpcpy(name, TEMP_PREFIX));
    fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

/* Gives a file that root creates to the owner of its directory, so that the service can read what
 * a tool of the administrator writes. */
static int give_to_owner(int dir_fd, int fd)
{
    struct stat st;

    if (geteuid() != 0)
        return 0;
    if (fstat(dir_fd, &st) < 0)
        return -errno;
    if (st.st_uid != 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
        return -errno;
    return 0;
}

static int fill(int dir_fd, int fd, const void *data, size_t size, mode_t mode)
{
    int r;

    r = give_to_owner(dir_fd, fd);
    if (r < 0)
        return r;
    r = write_all(fd, data, size, USEC_INFINITY);
    if (r < 0)
        return r;
    if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
        return -errno;
    return 0;
}

/* Gives the complete temporary file its final name. */
typedef int (*publish_t)(int dir_fd, const char *temp, const char *name);

static int publish_over(int dir_fd, const char *temp, const char *name)
{
    return renameat(dir_fd, temp, dir_fd, name) < 0 ? -errno : 0;
}

static int publish_new(int dir_fd, const char *temp, const char *name)
{
    if (linkat(dir_fd, temp, dir_fd, name, 0) < 0)
        return -errno;
    /* Not an error: the file has its name, and the next atomic_clean_at() removes the other one. */
    (void)unlinkat(dir_fd, temp, 0);
    return 0;
}

static int publish(int dir_fd, const char *name, const void *data, size_t size, mode_t mode,
                   publish_t publish_as)
{
    _cleanup_close_ int fd = -EBADF;
    char temp[TEMP_NAME_SIZE];
    int r;

    if (!name_is_valid(name))
        return -EINVAL;
    fd = temp_open(dir_fd, temp);
    if (fd < 0)
        return fd;
    r = fill(dir_fd, fd, data, size, mode);
    if (r >= 0)
        r = publish_as(dir_fd, temp, name);
    if (r < 0) {
        (void)unlinkat(dir_fd, temp, 0);
        return r;
    }
    return fsync(dir_fd) < 0 ? -errno : 0;
}

int atomic_replace_at(int dir_fd, const char *name, const void *data, size_t size, mode_t mode)
{
    return publish(dir_fd, name, data, size, mode, publish_over);
}

int atomic_create_at(int dir_fd, const char *name, const void *data, size_t size, mode_t mode)
{
    return publish(dir_fd, name, data, size, mode, publish_new);
}

static int clean_one(int dir_fd, const char *name)
{
    struct stat st;

    if (strncmp(name, TEMP_PREFIX, STRLEN(TEMP_PREFIX)) != 0)
        return 0;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISREG(st.st_mode))
        return 0;
    if (unlinkat(dir_fd, name, 0) < 0)
        return errno == ENOENT ? 0 : -errno;
    return 1;
}

int atomic_clean_at(int dir_fd)
{
    _cleanup_closedir_ DIR *directory = NULL;
    const char *name;
    int n = 0, r;

    r = directory_list_at(dir_fd, ".", 0, &directory);
    if (r < 0)
        return r;
    while ((r = directory_next(directory, &name)) > 0) {
        r = clean_one(dir_fd, name);
        if (r < 0)
            return r;
        n += r;
    }
    return r < 0 ? r : n;
}

/* Creates one directory if it is missing, and syncs its parent before anything is written into
 * it. */
static int directory_make_at(int parent_fd, const char *name, mode_t mode)
{
    bool made = mkdirat(parent_fd, name, mode) == 0;
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (!made && errno != EEXIST)
        return -errno;
    /* mkdirat() created a directory. A symlink in its place now is an attempt to mislead root. */
    fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (made ? O_NOFOLLOW : 0));
    if (fd < 0)
        return -errno;
    r = made ? give_to_owner(parent_fd, fd) : 0;
    if (r < 0)
        return r;
    if (made && fchmod(fd, mode) < 0)
        return -errno;
    if (made && fsync(parent_fd) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int directory_open(const char *path, mode_t mode)
{
    _cleanup_close_ int fd = -EBADF, parent_fd = -EBADF;
    _cleanup_free_ char *copy = NULL;
    size_t length = strlen(path);
    char *slash;

    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return TAKE_FD(fd);
    if (errno != ENOENT || length == 0)
        return -errno;
    while (length > 1 && path[length - 1] == '/')
        length--;
    copy = strndup(path, length);
    if (!copy)
        return -ENOMEM;
    slash = strrchr(copy, '/');
    if (slash == copy) {
        parent_fd = directory_open("/", mode);
    } else if (slash) {
        *slash = '\0';
        parent_fd = directory_open(copy, mode);
    } else {
        parent_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (parent_fd < 0)
            return -errno;
    }
    if (parent_fd < 0)
        return parent_fd;
    return directory_make_at(parent_fd, slash ? slash + 1 : copy, mode);
}
