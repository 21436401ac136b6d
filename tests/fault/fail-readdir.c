/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Preloaded: readdir() fails with EIO in the directory FAIL_READDIR, an absolute path without
 * symlinks. */

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_faulty(DIR *directory)
{
    const char *faulty = getenv("FAIL_READDIR");
    char link[64], path[PATH_MAX];
    ssize_t n;

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd(directory));
    n = readlink(link, path, sizeof(path) - 1);
    if (!faulty || n < 0)
        return 0;
    path[n] = '\0';
    return strcmp(path, faulty) == 0;
}

struct dirent *readdir(DIR *directory)
{
    struct dirent *(*next)(DIR *);

    if (is_faulty(directory)) {
        errno = EIO;
        return NULL;
    }
    /* The name of readdir() in the C library for an off_t of 64 bits. */
    *(void **)&next = dlsym(RTLD_NEXT, "readdir64");
    return next(directory);
}
