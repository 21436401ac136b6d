/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What another user may do with a file. */

#include <pwd.h>
#include <stdbool.h>

/* Whether we are the user, or may become it: else nobody can tell. */
bool user_access_is_known(const struct passwd *user);

/**
 * user_access() - access(2) as if @user had asked
 * @mode: R_OK, W_OK and X_OK
 *
 * The kernel is asked, in a process of its own: groups, ACLs and the directories above count. 0;
 * -EACCES, -ENOENT and what else access(2) says; -errno where it could not be asked.
 */
int user_access(const struct passwd *user, const char *path, int mode);
