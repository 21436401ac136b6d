/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file-stamp.h"

#include <sys/stat.h>

FileStamp file_stamp_take(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return (FileStamp){ .exists = false };
    return (FileStamp){
        .exists = true,
        .device = st.st_dev,
        .inode = st.st_ino,
        .size = st.st_size,
        .mtime = st.st_mtim,
        .ctime = st.st_ctim,
    };
}

static bool time_equal(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool file_stamp_equal(const FileStamp *a, const FileStamp *b)
{
    return a->exists == b->exists && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && time_equal(&a->mtime, &b->mtime) &&
           time_equal(&a->ctime, &b->ctime);
}

bool file_stamp_is_fresh(const FileStamp *stamp)
{
    struct timespec now;

    /* File systems take their times from this clock. */
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return time_equal(&stamp->ctime, &now);
}
