/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A library for LD_PRELOAD. It kills its program "before" or "after" (KILL_WHEN) the step number
 * KILL_AT_STEP, counted from 1. A step is a change of the state on disk that other programs can
 * see: a file gets its name or loses it. */

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int step(void)
{
    static long steps;
    const char *at = getenv("KILL_AT_STEP");

    return at && ++steps == strtol(at, NULL, 10);
}

static int is_when(const char *when)
{
    const char *asked = getenv("KILL_WHEN");

    return asked && strcmp(asked, when) == 0;
}

#define AT_STEP(call)                                                                              \
    do {                                                                                           \
        int is_it = step(), r;                                                                     \
                                                                                                   \
        if (is_it && is_when("before"))                                                            \
            (void)raise(SIGKILL);                                                                  \
        r = (call);                                                                                \
        if (is_it && is_when("after"))                                                             \
            (void)raise(SIGKILL);                                                                  \
        return r;                                                                                  \
    } while (0)

int renameat(int old_fd, const char *old, int new_fd, const char *new)
{
    int (*next)(int, const char *, int, const char *);

    *(void **)&next = dlsym(RTLD_NEXT, "renameat");
    AT_STEP(next(old_fd, old, new_fd, new));
}

int unlinkat(int fd, const char *name, int flags)
{
    int (*next)(int, const char *, int);

    *(void **)&next = dlsym(RTLD_NEXT, "unlinkat");
    AT_STEP(next(fd, name, flags));
}
