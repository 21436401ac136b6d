/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/running-service.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <systemd/sd-login.h>

#include "base/macro.h"
#include "base/number.h"

static bool is_of(pid_t pid, const char *unit)
{
    _cleanup_free_ char *found = NULL;

    return sd_pid_get_unit(pid, &found) >= 0 && streq(found, unit);
}

/* 0: there is none. */
static pid_t find_process(DIR *proc, const char *unit)
{
    const struct dirent *entry;

    while ((entry = readdir(proc))) {
        uint64_t pid;

        if (number_parse(entry->d_name, strlen(entry->d_name), INT_MAX, &pid) >= 0 &&
            is_of((pid_t)pid, unit))
            return (pid_t)pid;
    }
    return 0;
}

char *running_service_root(const char *unit)
{
    DIR *proc = geteuid() == 0 ? opendir("/proc") : NULL;
    pid_t pid = proc ? find_process(proc, unit) : 0;
    char *root = NULL;

    if (proc)
        (void)closedir(proc);
    return pid > 0 && asprintf(&root, "/proc/%d/root", (int)pid) >= 0 ? root : NULL;
}
