/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/owner.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/confinement.h"
#include "base/macro.h"
#include "statedir/files/path-walk.h"

/* What find() looks for, and what it found. */
typedef struct Search {
    bool is_file; /* it is read, not written: its own owner cannot put a link in its place */
    bool is_open; /* a directory of root on the path */
    char *loose;  /* such a directory where others can even replace names of root; NULL: none */
    struct stat st;
} Search;

/* The groups of the process before it became an owner. */
static struct {
    gid_t *list;
    int n;
} left;

/* Below a directory of another user, every name is that user's. A link of root leads where root
 * wants, if each name there is root's, too. */
static int look(const char *name, bool is_last, const struct stat *st, void *userdata)
{
    Search *search = userdata;

    (void)is_last;
    search->st = *st;
    if (st->st_uid != 0)
        return search->is_file && S_ISREG(st->st_mode) && !search->is_open ? PATH_GO_ON : PATH_STOP;
    search->is_open |= path_is_open(st);
    if (path_is_open(st) && !(st->st_mode & S_ISVTX) && !search->loose &&
        !(search->loose = strdup(name)))
        return -ENOMEM;
    return S_ISLNK(st->st_mode) ? PATH_FOLLOW : PATH_GO_ON;
}

/* Returns 1 with the owner, 0 if all is root's, or -errno. @ret_doing: as of owner_become(). */
static int find(const char *path, bool is_file, struct stat *ret, char **ret_doing)
{
    Search search = { .is_file = is_file };
    _cleanup_free_ char *way = strdup(path), *loose = NULL;
    int r = way ? path_walk(&way, look, &search) : -ENOMEM, n = 0;

    loose = search.loose;
    *ret = search.st;
    if (r == PATH_STOP)
        return 1;
    if (r < 0 && r != -ENOENT)
        n = asprintf(ret_doing, "find the owner of '%s'", path);
    else if (loose && !is_file) {
        r = -EPERM;
        n = asprintf(ret_doing,
                     "use '%s' as root: others can replace names in '%s'; make that a directory of "
                     "the user who writes there",
                     path, loose);
    } else
        r = 0;
    if (n < 0)
        *ret_doing = NULL;
    return r;
}

static int save_groups(void)
{
    int n = getgroups(0, NULL);

    free(left.list);
    left.list = n < 0 ? NULL : calloc((size_t)n + 1, sizeof(gid_t));
    if (!left.list)
        return n < 0 ? -errno : -ENOMEM;
    left.n = getgroups(n, left.list);
    return left.n < 0 ? -errno : 0;
}

static int restore_groups(void)
{
    int r = setgroups((size_t)left.n, left.list) < 0 || setegid(getgid()) < 0 ? -errno : 0;

    free(left.list);
    left.list = NULL;
    return r;
}

/* @user: NULL if the user has no name. */
static int become(const struct stat *st, const struct passwd *user)
{
    int r = save_groups();

    if (r < 0)
        return r;
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
    r = find(path, is_file, &st, ret_doing);
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
    int r;

    if (geteuid() == 0 || getuid() != 0)
        return 0;
    if (seteuid(0) < 0)
        return -errno;
    confine_memory(); /* the kernel reset it */
    r = restore_groups();
    return r < 0 ? r : 1;
}
