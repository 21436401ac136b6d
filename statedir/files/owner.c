/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/owner.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/confinement.h"
#include "base/macro.h"

/* A link of root leads where root wants; any other one belongs to who may change it. */
static int find_at(const char *path, struct stat *ret)
{
    if (lstat(path, ret) < 0)
        return -errno;
    if (S_ISLNK(ret->st_mode) && ret->st_uid == 0 && stat(path, ret) < 0)
        return -errno;
    return ret->st_uid != 0;
}

/* Goes from the root directory down: below a directory of another user, every name is that user's.
 * Returns 1 with the owner, 0 if all is root's, or -errno. */
static int find(const char *path, struct stat *ret)
{
    _cleanup_free_ char *copy = strdup(path);
    int r = 0;

    if (!copy)
        return -ENOMEM;
    for (char *p = copy; r == 0 && p; *p = '/') {
        p = strchr(p + 1, '/');
        if (p)
            *p = '\0';
        r = find_at(copy, ret);
        if (!p)
            break;
    }
    return r == -ENOENT ? 0 : r;
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

int owner_become(const char *path, char **ret_doing)
{
    const struct passwd *user;
    struct stat st;
    int r;

    if (geteuid() != 0)
        return 0;
    r = find(path, &st);
    if (r < 0 && asprintf(ret_doing, "find the owner of '%s'", path) < 0)
        *ret_doing = NULL;
    if (r <= 0)
        return r;
    user = getpwuid(st.st_uid);
    r = become(&st, user);
    return r < 0 ? failed_to_become(r, path, &st, user, ret_doing) : 0;
}

int owner_leave(void)
{
    if (geteuid() == 0 || getuid() != 0)
        return 0;
    return seteuid(0) < 0 ? -errno : 1;
}
