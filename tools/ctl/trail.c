/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/trail.h"

#include <pwd.h>
#include <stdio.h>

#include "base/macro.h"
#include "ctl/system-users.h"
#include "statedir/files/owner.h"
#include "statedir/files/path-walk.h"

void trail_done(Trail *trail)
{
    free(trail->path);
    free(trail->top);
    free(trail->link);
    free(trail->open);
    *trail = (Trail){ 0 };
}

/* Root looks at the names below as the owner, so that no link leads further than the owner gets. */
static int become_owner(const char *path)
{
    _cleanup_free_ char *doing = NULL;

    return owner_become(path, &doing);
}

/* @name: the part of trail->path up to here, which belongs to another user. */
static int begin_top(Trail *trail, const char *name)
{
    trail->top = strdup(name);
    if (!trail->top)
        return -ENOMEM;
    trail->uid = trail->st.st_uid;
    return become_owner(name);
}

/* Keeps the first of several names. */
static int note(char **place, const char *name)
{
    if (!*place)
        *place = strdup(name);
    return *place ? 0 : -ENOMEM;
}

/* Looks at one name. */
static int step(const char *name, bool is_last, const struct stat *st, void *userdata)
{
    Trail *trail = userdata;
    bool is_link = S_ISLNK(st->st_mode);

    trail->st = *st;
    if (is_link && !trail->top && st->st_uid == 0)
        return PATH_FOLLOW;
    if (is_link && note(&trail->link, name) < 0)
        return -ENOMEM;
    if (path_is_open(st) && !is_last && !trail->top && note(&trail->open, name) < 0)
        return -ENOMEM;
    return !trail->top && st->st_uid != 0 ? begin_top(trail, name) : PATH_GO_ON;
}

static int walk_to_the_end(Trail *trail)
{
    struct stat st;
    int r = path_walk(&trail->path, step, trail);

    if (r == -ENOENT) {
        trail->st = (struct stat){ 0 };
        return 0;
    }
    /* The end may be a link to nothing. */
    trail->exists = r >= 0 && (!S_ISLNK(trail->st.st_mode) || stat(trail->path, &st) >= 0);
    return r;
}

int trail_walk(const char *path, Trail *ret)
{
    _cleanup_(trail_done) Trail trail = { .path = strdup(path) };
    int r, left;

    if (!trail.path)
        return -ENOMEM;
    if (*path != '/')
        return -EINVAL;
    r = walk_to_the_end(&trail);
    left = owner_leave();
    if (r < 0 || left < 0)
        return r < 0 ? r : left;
    *ret = trail;
    trail = (Trail){ 0 };
    return 0;
}

bool trail_is_below_top(const Trail *trail)
{
    const char *below = trail->top ? trail->path + strlen(trail->top) : "";

    return below[strspn(below, "/")];
}

static bool belongs_to_acmems(const Trail *trail)
{
    const struct passwd *user = getpwnam(ORDERD);

    return user && user->pw_uid == trail->uid;
}

/* Only root can replace names on the path. */
static int print_for_root(const char *path, Remedy remedy, char **ret)
{
    switch (remedy) {
    case REMEDY_CREATE:
        return asprintf(ret, "create it with install -d -o acmems -g acmems -m 0750 '%s'", path);
    case REMEDY_DIRECTORY:
        return asprintf(ret, "run chown -hR acmems: '%s'", path);
    case REMEDY_KEY:
        return asprintf(ret, "run chown -h acmems: '%s' && chmod 0400 '%s'", path, path);
    case REMEDY_READABLE:
        break;
    }
    return asprintf(ret, "give it the group acmems and mode 0640");
}

/* acmems can replace the names below @top. chown -R starts there, and follows no link below. */
static int print_for_acmems(const Trail *trail, Remedy remedy, char **ret)
{
    switch (remedy) {
    case REMEDY_CREATE:
        return asprintf(ret, "create it with runuser -u acmems -- mkdir -p -m 0750 '%s'",
                        trail->path);
    case REMEDY_KEY:
        return asprintf(ret, "run chown -hR acmems: '%s' && runuser -u acmems -- chmod 0400 '%s'",
                        trail->top, trail->path);
    case REMEDY_DIRECTORY:
    case REMEDY_READABLE:
        break;
    }
    return asprintf(ret, "run chown -hR acmems: '%s'", trail->top);
}

char *trail_remedy(const Trail *trail, Remedy remedy)
{
    bool is_below = trail_is_below_top(trail);
    const char *others = trail->open                             ? trail->open
                         : is_below && !belongs_to_acmems(trail) ? trail->top
                                                                 : NULL;
    char *text;
    int r;

    if (trail->link)
        r = asprintf(&text,
                     "'%s' is a symbolic link that another user than root can change: "
                     "remove it",
                     trail->link);
    else if (others)
        r = asprintf(&text,
                     "other users than root and acmems can change '%s': choose another "
                     "directory",
                     others);
    else
        r = is_below ? print_for_acmems(trail, remedy, &text)
                     : print_for_root(trail->path, remedy, &text);
    return r < 0 ? NULL : text;
}
