/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/directory.h"

#include <fcntl.h>

int directory_list_at(int dir_fd, const char *path, int flags, DIR **ret)
{
    _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
    DIR *directory;

    if (fd < 0)
        return -errno;
    directory = fdopendir(fd);
    if (!directory)
        return -errno;
    TAKE_FD(fd);
    *ret = directory;
    return 0;
}

int directory_next(DIR *directory, const char **ret)
{
    for (;;) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(directory);
        if (!entry)
            return -errno;
        if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
            continue;
        *ret = entry->d_name;
        return 1;
    }
}
