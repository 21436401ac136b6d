/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "installation.h"

#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>

#include "path.h"

/* Whose members the services are that read the configuration. */
#define READERS "acmems"

static bool readers_can_read(const char *path, gid_t readers)
{
    struct stat st;

    return stat(path, &st) < 0 || st.st_mode & S_IROTH ||
           (st.st_mode & S_IRGRP && st.st_gid == readers);
}

/* An editor may leave a file of root's alone. Of files elsewhere nobody knows who is to read them.
 */
static void check_files(const Config *config, config_message_cb message, void *userdata)
{
    const struct group *readers = getgrnam(READERS);

    for (size_t i = 0; readers && i < config->n_files; i++)
        if (path_is_below(config->files[i], "/etc/acmems") &&
            !readers_can_read(config->files[i], readers->gr_gid))
            message(LOG_WARNING, config->files[i], 0,
                    "the services cannot read it: systemd-tmpfiles --create acmems.conf gives it "
                    "its rights",
                    userdata);
}

/* What is below the state directory acmems-orderd makes by itself. */
static void check_storages(const Config *config, config_message_cb message, void *userdata)
{
    for (size_t i = 0; i < config->n_storages; i++) {
        const Storage *storage = config->storages[i];
        _cleanup_free_ char *text = NULL;

        if (storage->type != STORAGE_FILE ||
            path_is_below(storage->directory, config->state_directory) ||
            access(storage->directory, F_OK) == 0)
            continue;
        if (asprintf(&text,
                     "directory '%s' is not there: install -d -o acmems -g acmems -m 0750 makes "
                     "it, then restart acmems-orderd",
                     storage->directory) < 0)
            text = NULL;
        message(LOG_WARNING, storage->file, storage->line, str_or(text, "out of memory"), userdata);
    }
}

void installation_check(const char *path, const Config *config, config_message_cb message,
                        void *userdata)
{
    if (!path_is_below(path, "/etc/acmems"))
        return;
    check_files(config, message, userdata);
    check_storages(config, message, userdata);
}
