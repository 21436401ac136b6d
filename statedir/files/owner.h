/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The user that the state belongs to. Root acts as this user, because the user could replace any
 * name in its directories by a link to a file of root. */

/**
 * owner_become() - act as the owner of what is at @path
 * @path: absolute; it need not exist; borrowed
 * @ret_doing: on an error, what failed, as "Failed to …" or "cannot …" begins it, with the path and
 *             the user: "act as user acmems, the owner of '/x'"; NULL when out of memory; free()
 *
 * The owner is the first user but root to whom something on the path belongs, where links of root
 * are followed. Does nothing if there is none, and in a process that is not root, or no longer.
 *
 * Returns 0; -EPERM: also if all is root's, but others can replace names in a directory on the
 * path; other -errno. On an error the process must not use the path.
 */
int owner_become(const char *path, char **ret_doing);

/* The same before a file is read. A regular file may belong to another user: what counts is who can
 * put a link in its place. So root can still read it where only root can. */
int owner_become_reader(const char *path, char **ret_doing);

/* Act as root again, with the former groups, to read what only root can read. Returns 1; 0 if
 * owner_become() changed nothing; -errno. */
int owner_leave(void);
