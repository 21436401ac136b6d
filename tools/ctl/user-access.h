/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The access that another user has to a file. */

#include <pwd.h>
#include <stdbool.h>

/* Whether the process is this user or can become it: user_access() needs that. */
bool user_access_is_known(const struct passwd *user);

/**
 * user_access() - access(2) as @user
 * @root: root directory for the check, such as "/proc/PID/root" for the files as a process sees
 *        them, which only root can use; NULL: that of the caller
 * @mode: R_OK, W_OK and X_OK
 *
 * A child process asks the kernel, so that groups, ACLs and the directories above count.
 *
 * Returns 0; -EACCES, -ENOENT or another error of access(2); -errno if the check itself failed.
 */
int user_access(const struct passwd *user, const char *root, const char *path, int mode);
