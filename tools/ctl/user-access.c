/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/user-access.h"

#include <grp.h>
#include <sys/wait.h>

#include "base/macro.h"

bool user_access_is_known(const struct passwd *user)
{
    return geteuid() == 0 || geteuid() == user->pw_uid;
}

static int become(const struct passwd *user)
{
    if (geteuid() == user->pw_uid)
        return 0;
    if (initgroups(user->pw_name, user->pw_gid) < 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
        return -errno;
    return 0;
}

/* Exits with the errno, which fits into an exit status. */
static _Noreturn void check_and_exit(const struct passwd *user, const char *root, const char *path,
                                     int mode)
{
    int r = root && (chroot(root) < 0 || chdir("/") < 0) ? -errno : become(user);

    if (r >= 0 && access(path, mode) < 0)
        r = -errno;
    _exit(-r);
}

int user_access(const struct passwd *user, const char *root, const char *path, int mode)
{
    pid_t pid = fork();
    int status;

    if (pid < 0)
        return -errno;
    if (pid == 0)
        check_and_exit(user, root, path, mode);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}
