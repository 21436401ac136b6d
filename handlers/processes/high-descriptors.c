/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "processes/high-descriptors.h"

#include <fcntl.h>
#include <limits.h>

#include "base/macro.h"

int high_descriptors_move(HighDescriptors *high, int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, high->first);

    if (moved < 0) {
        high->has_low = true;
        return fd;
    }
    (void)safe_close(fd);
    return moved;
}

bool high_descriptors_close(const HighDescriptors *high)
{
    return !high->has_low && close_range((unsigned)high->first, UINT_MAX, 0) == 0;
}
