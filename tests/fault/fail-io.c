/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Preloaded: a disk that fails, and a clock that is wrong, while the program runs.
 *
 * As long as the file FAIL_IO exists, read(), write() and fsync() fail with EIO for files below the
 * directory FAIL_DIRECTORY, an absolute path without symlinks. CLOCK_OFF is a file with the seconds
 * by which the clock is ahead; without it the clock is right. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int fails(int fd)
{
    const char *directory = getenv("FAIL_DIRECTORY"), *when = getenv("FAIL_IO");
    int saved = errno, failing = 0;
    char link[64], path[PATH_MAX];
    ssize_t n;

    if (directory && when && syscall(SYS_faccessat, AT_FDCWD, when, F_OK) == 0) {
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        path[n < 0 ? 0 : n] = '\0';
        failing = strncmp(path, directory, strlen(directory)) == 0;
    }
    errno = failing ? EIO : saved;
    return failing;
}

ssize_t read(int fd, void *data, size_t size)
{
    return fails(fd) ? -1 : syscall(SYS_read, fd, data, size);
}

ssize_t write(int fd, const void *data, size_t size)
{
    return fails(fd) ? -1 : syscall(SYS_write, fd, data, size);
}

int fsync(int fd)
{
    return fails(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

static time_t off(void)
{
    const char *name = getenv("CLOCK_OFF");
    char text[32] = "";
    long fd;

    if (!name)
        return 0;
    fd = syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    (void)syscall(SYS_read, fd, text, sizeof(text) - 1);
    (void)syscall(SYS_close, fd);
    return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    int saved = errno, r = (int)syscall(SYS_clock_gettime, clock, ret);

    if (r == 0 && clock == CLOCK_REALTIME)
        ret->tv_sec += off();
    errno = saved;
    return r;
}

time_t time(time_t *ret)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}
