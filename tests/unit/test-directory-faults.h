/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Faults of a disk that a test cannot have: these take the place of the C library's functions in
 * the program of the test. Each fault stays until it is set to 0. */

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>

/* What readdir() fails with, after so many names that it gives first. */
static int fault_readdir, fault_readdir_after;
/* What fdopendir() fails with. */
static int fault_fdopendir;

struct dirent *readdir(DIR *directory)
{
    struct dirent *(*next)(DIR *);

    if (fault_readdir != 0 && fault_readdir_after-- == 0) {
        fault_readdir_after = 0;
        errno = fault_readdir;
        return NULL;
    }
    /* readdir() itself where off_t has 64 bits. */
    *(void **)&next = dlsym(RTLD_NEXT, "readdir64");
    return next(directory);
}

DIR *fdopendir(int fd)
{
    DIR *(*next)(int);

    if (fault_fdopendir != 0) {
        errno = fault_fdopendir;
        return NULL;
    }
    *(void **)&next = dlsym(RTLD_NEXT, "fdopendir");
    return next(fd);
}
