/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/path-walk.h"

#include <limits.h>
#include <stdio.h>

#include "base/macro.h"

#define LINKS_MAX 40U /* as the kernel */

bool path_is_open(const struct stat *st)
{
    return S_ISDIR(st->st_mode) && st->st_uid == 0 && st->st_mode & (S_IWGRP | S_IWOTH);
}

/* Replaces the link at @name by what it contains. @rest: what follows @name on the path. */
static int follow(const char *name, const char *rest, char **path)
{
    const char *slash = strrchr(name, '/');
    char target[PATH_MAX], *changed;
    ssize_t n = readlink(name, target, sizeof(target) - 1);
    int length;

    if (n < 0)
        return -errno;
    target[n] = '\0';
    length = *target == '/' || !slash ? 0 : (int)(slash - name) + 1;
    if (asprintf(&changed, "%.*s%s%s", length, name, target, rest) < 0)
        return -ENOMEM;
    free(*path);
    *path = changed;
    return PATH_FOLLOW;
}

static int look_at(const char *name, const char *rest, char **path, path_look_cb look,
                   void *userdata)
{
    struct stat st;
    int r;

    if (lstat(name, &st) < 0)
        return -errno;
    r = look(name, !*rest, &st, userdata);
    return r == PATH_FOLLOW ? follow(name, rest, path) : r;
}

/* Until the end of the path, or to the first link that is followed. */
static int walk_once(char **path, path_look_cb look, void *userdata)
{
    _cleanup_free_ char *name = strdup(*path);
    int r = PATH_GO_ON;

    if (!name)
        return -ENOMEM;
    for (char *p = name; p && r == PATH_GO_ON;) {
        p += strspn(p, "/");
        if (*p == '\0' && p != name)
            break;
        p = strchr(p, '/');
        if (p)
            *p = '\0';
        r = look_at(name, p ? *path + (p - name) : "", path, look, userdata);
        if (p)
            *p = '/';
    }
    return r;
}

int path_walk(char **path, path_look_cb look, void *userdata)
{
    int r = walk_once(path, look, userdata);

    for (unsigned n = 0; r == PATH_FOLLOW; n++)
        r = n < LINKS_MAX ? walk_once(path, look, userdata) : -ELOOP;
    return r;
}
