/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The way to a file or directory, name by name: where another user than root can replace a name,
 * and what root can safely do about the file. */

#include <stdbool.h>
#include <sys/stat.h>

typedef struct Trail {
    char *path; /* links of root in directories of root are resolved */
    char *top;  /* the first on the path that belongs to another user; NULL: all is root's */
    uid_t uid;  /* the owner of @top, who can replace every name below it */
    char *link; /* the first symbolic link that another user can change, or NULL */
    char
        *open; /* the first directory of root before @top in which others can make names, or NULL */
    bool exists;    /* what is at @path; through @link, if there is one */
    struct stat st; /* of @path itself, perhaps of a link that another user can change; or zero */
} Trail;

void trail_done(Trail *trail);

/**
 * trail_walk() - look at each name on a path, and at what is there
 * @path: absolute
 * @ret: trail_done()
 *
 * Opens nothing. Root looks below @top as the owner of it.
 *
 * Returns 0, also if the path does not exist; -ELOOP: too many links; -EACCES, -EPERM: the process,
 * or the owner of @top, cannot look there; other -errno.
 */
int trail_walk(const char *path, Trail *ret);

/* Whether there are names on the path that the owner of @top can replace. */
bool trail_is_below_top(const Trail *trail);

typedef enum Remedy {
    REMEDY_CREATE,    /* make the directory */
    REMEDY_DIRECTORY, /* give acmems a file, or a directory with its contents */
    REMEDY_KEY,       /* the same for a file that only acmems may read */
    REMEDY_READABLE,  /* let acmems read a file that is no secret */
} Remedy;

/* What the administrator should do, a clause such as "run chown …". A command of root follows no
 * name that another user can replace. Returns a new string; NULL: out of memory. */
char *trail_remedy(const Trail *trail, Remedy remedy);
