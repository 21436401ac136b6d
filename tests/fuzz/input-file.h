/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The input as a file, for parsers that read files. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/macro.h"

static char input_directory[] = "/tmp/acmems-fuzz-XXXXXX";

static inline int input_remove_one(const char *path, const struct stat *st, int type,
                                   struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void input_remove(void)
{
    (void)nftw(input_directory, input_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Makes the directory on the first call, and removes it at exit. */
static inline const char *input_place(void)
{
    static bool exists;

    if (!exists && (!mkdtemp(input_directory) || atexit(input_remove) != 0))
        abort();
    exists = true;
    return input_directory;
}

/* Writes the input to this file in the directory, whose own directory exists. */
static inline void input_write(const char *name, const uint8_t *data, size_t size)
{
    char path[PATH_MAX];
    int fd;

    if (snprintf(path, sizeof(path), "%s/%s", input_place(), name) >= (int)sizeof(path))
        abort();
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write_all(fd, data, size, USEC_INFINITY) < 0)
        abort();
    (void)close(fd);
}
