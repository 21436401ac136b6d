/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The names on a path, one after the other: who owns each, and where links lead. */

#include <stdbool.h>
#include <sys/stat.h>

typedef enum PathStep {
    PATH_GO_ON,
    PATH_FOLLOW, /* the link: begin again with what it contains in its place */
    PATH_STOP,
} PathStep;

/* Called for each name from the root directory down. @name: the path up to it; @is_last: nothing
 * follows it; @st: of the name itself, perhaps of a link. Returns a PathStep or -errno. */
typedef int (*path_look_cb)(const char *name, bool is_last, const struct stat *st, void *userdata);

/**
 * path_walk() - look at each name on a path
 * @path: in: absolute, a string that free() takes; out: with the links that were followed replaced
 *
 * Returns 0; PATH_STOP; -ENOENT: a name is missing; -ELOOP: too many links; other -errno, also of
 * the callback.
 */
int path_walk(char **path, path_look_cb look, void *userdata);

/* Whether it is a directory of root, in which others can make names. */
bool path_is_open(const struct stat *st);
