/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "key-files.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>

#include "tsig-key.h"

typedef struct Listener {
    config_message_cb message;
    void *userdata;
} Listener;

static void _printf_(4, 5) tell(const Listener *listener, int level,
                                const Verification *verification, const char *format, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list arguments;

    if (!listener->message)
        return;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    listener->message(level, verification->file, verification->tsig_key_file_line,
                      str_or(text, "out of memory"), listener->userdata);
}

static void warn(const Verification *verification, const TsigKey *key, const Listener *listener)
{
    const char *path = verification->tsig_key_file;
    struct stat st;

    if (key->algorithm->weak)
        tell(listener, LOG_WARNING, verification,
             "tsig-key-file = '%s' has a key of the algorithm %s, which is out of date: make one "
             "of hmac-sha256",
             path, key->algorithm->name);
    if (stat(path, &st) >= 0 && (st.st_mode & S_IROTH))
        tell(listener, LOG_WARNING, verification,
             "tsig-key-file = '%s' may be read by everybody: it should have mode 0640", path);
}

static int read_key(Verification *verification, const Listener *listener)
{
    _cleanup_(tsig_key_freep) TsigKey *key = NULL;
    const char *path = verification->tsig_key_file;
    char why[TSIG_WHY_SIZE];
    int r = tsig_key_load(path, why, &key);

    if (r < 0) {
        tell(listener, LOG_ERR, verification, "tsig-key-file = '%s' cannot be used: %s", path, why);
        return r;
    }
    warn(verification, key, listener);
    tsig_key_free(verification->tsig_key);
    verification->tsig_key = TAKE_PTR(key);
    return 0;
}

int key_files_read(Config *config, config_message_cb message, void *userdata)
{
    const Listener listener = { .message = message, .userdata = userdata };
    int r = 0;

    for (size_t i = 0; i < config->n_verifications; i++)
        if (config->verifications[i]->tsig_key_file &&
            read_key(config->verifications[i], &listener) < 0)
            r = -EINVAL;
    return r;
}
