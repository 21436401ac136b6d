/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/owner.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/confinement.h"
#include "base/macro.h"

#define LINKS_MAX 40U /* as the kernel */

int owner_follow(const char *name, const char *rest, char **path)
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
    return 0;
}

/* A directory of root, in which others can make names. */
static bool is_open(const struct stat *st)
{
    return S_ISDIR(st->st_mode) && st->st_mode & (S_IWGRP | S_IWOTH);
}

/* What find() looks for, and what it found. */
typedef struct Search {
    char *path;
    bool is_file; /* it is read, not written: its own owner cannot put a link in its place */
    bool is_open; /* a directory of root on the path */
    struct stat st;
} Search;

enum { NONE, FOUND, FOLLOWED };

/* Looks at one name. @rest: what follows it on the path. Returns -errno, too. */
static int look(Search *search, const char *name, const char *rest)
{
    struct stat *st = &search->st;

    if (lstat(name, st) < 0)
        return errno == ENOENT ? NONE : -errno;
    if (st->st_uid != 0)
        return search->is_file && S_ISREG(st->st_mode) && !search->is_open ? NONE : FOUND;
    search->is_open |= is_open(st);
    /* A link of root leads where root wants, if each name there is root's, too. */
    if (S_ISLNK(st->st_mode)) {
        int r = owner_follow(name, rest, &search->path);

        return r < 0 ? r : FOLLOWED;
    }
    return NONE;
}

/* Goes from the root directory down: below a directory of another user, every name is that user's.
 */
static int look_at_all(Search *search)
{
    _cleanup_free_ char *name = strdup(search->path);
    int r = NONE;

    if (!name)
        return -ENOMEM;
    for (char *p = name; r == NONE && p; *p = '/') {
        p = strchr(p + 1, '/');
        if (p)
            *p = '\0';
        r = look(search, name, p ? search->path + (p - name) : "");
        if (!p)
            break;
    }
    return r;
}

/* Returns 1 with the owner, 0 if all is root's, or -errno. */
static int find(const char *path, bool is_file, struct stat *ret)
{
    Search search = { .path = strdup(path), .is_file = is_file };
    int r = search.path ? FOLLOWED : -ENOMEM;

    for (unsigned n = 0; r == FOLLOWED; n++)
        r = n <= LINKS_MAX ? look_at_all(&search) : -ELOOP;
    *ret = search.st;
    free(search.path);
    return r;
}

/* @user: NULL if the user has no name. */
static int become(const struct stat *st, const struct passwd *user)
{
    if (user ? initgroups(user->pw_name, user->pw_gid) < 0 : setgroups(1, &st->st_gid) < 0)
        return -errno;
    if (setegid(user ? user->pw_gid : st->st_gid) < 0 || seteuid(st->st_uid) < 0)
        return -errno;
    confine_memory(); /* the kernel reset it */
    return 0;
}

static int failed_to_become(int r, const char *path, const struct stat *st,
                            const struct passwd *user, char **ret_doing)
{
    char number[STRLEN("4294967295") + 1];

    (void)snprintf(number, sizeof(number), "%u", st->st_uid);
    if (asprintf(ret_doing, "act as user %s, the owner of '%s'", user ? user->pw_name : number,
                 path) < 0)
        *ret_doing = NULL;
    return r;
}

static int find_and_become(const char *path, bool is_file, char **ret_doing)
{
    const struct passwd *user;
    struct stat st;
    int r;

    if (geteuid() != 0)
        return 0;
    r = find(path, is_file, &st);
    if (r < 0 && asprintf(ret_doing, "find the owner of '%s'", path) < 0)
        *ret_doing = NULL;
    if (r <= 0)
        return r;
    user = getpwuid(st.st_uid);
    r = become(&st, user);
    return r < 0 ? failed_to_become(r, path, &st, user, ret_doing) : 0;
}

int owner_become(const char *path, char **ret_doing)
{
    return find_and_become(path, false, ret_doing);
}

int owner_become_reader(const char *path, char **ret_doing)
{
    return find_and_become(path, true, ret_doing);
}

int owner_leave(void)
{
    if (geteuid() == 0 || getuid() != 0)
        return 0;
    if (seteuid(0) < 0)
        return -errno;
    confine_memory(); /* the kernel reset it */
    return 1;
}
