/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/key-files.h"

#include <sys/stat.h>
#include <syslog.h>

#include "config/tsig-key.h"

static void warn(const Verification *verification, const TsigKey *key,
                 const ConfigListener *listener)
{
    const char *path = verification->tsig_key_file;
    struct stat st;

    if (key->algorithm->weak)
        config_tell(listener, LOG_WARNING, verification->file, verification->tsig_key_file_line,
                    "tsig-key-file = '%s' uses %s, which is outdated; create a key for hmac-sha256",
                    path, key->algorithm->name);
    if (lstat(path, &st) >= 0 && S_ISREG(st.st_mode) && st.st_mode & S_IROTH)
        config_tell(
            listener, LOG_WARNING, verification->file, verification->tsig_key_file_line,
            "tsig-key-file = '%s' is readable by every user; only the user acmems needs to read "
            "it",
            path);
}

static int read_key(Verification *verification, const ConfigListener *listener)
{
    _cleanup_(tsig_key_freep) TsigKey *key = NULL;
    const char *path = verification->tsig_key_file;
    char why[TSIG_WHY_SIZE];
    int r = tsig_key_load(path, why, &key);

    if (r < 0) {
        config_tell(listener, LOG_ERR, verification->file, verification->tsig_key_file_line,
                    "tsig-key-file = '%s' cannot be used: %s", path, why);
        return r;
    }
    warn(verification, key, listener);
    tsig_key_free(verification->tsig_key);
    verification->tsig_key = TAKE_PTR(key);
    return 0;
}

int key_file_read(Verification *verification, config_message_cb message, void *userdata)
{
    const ConfigListener listener = { .message = message, .userdata = userdata };

    return verification->tsig_key_file && read_key(verification, &listener) < 0 ? -EINVAL : 0;
}

int key_files_read(Config *config, config_message_cb message, void *userdata)
{
    int r = 0;

    for (size_t i = 0; i < config->n_verifications; i++)
        if (key_file_read(config->verifications[i], message, userdata) < 0)
            r = -EINVAL;
    return r;
}
