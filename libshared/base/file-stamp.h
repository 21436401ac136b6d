/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Tells whether a file changed between two looks, without reading it. */

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

typedef struct FileStamp {
    bool exists; /* false: stat(2) failed, the other members are 0 */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec mtime, ctime;
} FileStamp;

/* Takes the stamp of the file or directory at @path. Symbolic links are followed. */
FileStamp file_stamp_take(const char *path);

/* Whether the file is unchanged between both stamps. Two missing files are equal. See
 * file_stamp_is_fresh() for the one change that goes unnoticed. */
bool file_stamp_equal(const FileStamp *a, const FileStamp *b);

/**
 * file_stamp_is_fresh() - whether another change may still leave the same stamp
 *
 * File times advance in ticks of a few milliseconds. While the tick of the last change lasts, a
 * second change that keeps the size leaves the same stamp. What is read after this function
 * returned false belongs to the stamp.
 */
bool file_stamp_is_fresh(const FileStamp *stamp);
