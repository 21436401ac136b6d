/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/secrecy.h"

#include <grp.h>
#include <pwd.h>
#include <syslog.h>

#include "base/macro.h"
#include "ctl/system-users.h"
#include "ctl/trail.h"
#include "statedir/account/account-dir.h"

typedef struct KeyFile {
    Place place; /* where the configuration names it */
    const char *what;
    const char *path; /* NULL: the configuration does not name one */
} KeyFile;

/* The handlers run as these users, and as members of the group acmems. */
static const char *const handlers[] = { "acmems-sign", "acmems-http01", "acmems-tlsalpn01" };

static bool is_of_handler(const struct stat *st)
{
    const struct group *readers = getgrnam(READERS);

    if (readers && st->st_gid == readers->gr_gid && st->st_mode & S_IRGRP)
        return true;
    for (size_t i = 0; i < ELEMENTSOF(handlers); i++) {
        const struct passwd *user = getpwnam(handlers[i]);

        if (user &&
            (st->st_uid == user->pw_uid || (st->st_gid == user->pw_gid && st->st_mode & S_IRGRP)))
            return true;
    }
    return false;
}

/* Only the file counts, not the directories above it: these may change. */
static void check_mode(const KeyFile *key, const Trail *trail, const ConfigListener *listener)
{
    const struct stat *st = &trail->st;
    _cleanup_free_ char *remedy = NULL;

    if (!(st->st_mode & S_IRWXO) && !is_of_handler(st))
        return;
    remedy = trail_remedy(trail, REMEDY_KEY);
    config_tell(listener, LOG_WARNING, key->place.file, key->place.line,
                "other services than acmems-orderd can read %s '%s', which has mode %04o: %s",
                key->what, key->path, st->st_mode & 07777, str_or(remedy, "set it to 0400"));
}

/* Whoever owns the directory can replace the file: by a link, or by a FIFO. */
static void check_key_file(const KeyFile *key, const ConfigListener *listener)
{
    _cleanup_(trail_done) Trail trail = { 0 };

    if (!key->path || trail_walk(key->path, &trail) < 0)
        return;
    if (S_ISREG(trail.st.st_mode))
        check_mode(key, &trail, listener);
    else if (S_ISLNK(trail.st.st_mode))
        config_tell(listener, LOG_WARNING, key->place.file, key->place.line,
                    "%s '%s' is a symbolic link, which another user than root can change: remove "
                    "it",
                    key->what, key->path);
    else if (trail.exists)
        config_tell(listener, LOG_WARNING, key->place.file, key->place.line,
                    "%s '%s' is not a regular file: remove it", key->what, key->path);
}

void secrecy_check(const Config *config, const ConfigListener *listener)
{
    for (size_t i = 0; i < config->n_verifications; i++) {
        const Verification *v = config->verifications[i];

        check_key_file(
            &(KeyFile){ { v->file, v->tsig_key_file_line }, "tsig-key-file", v->tsig_key_file },
            listener);
    }
    for (size_t i = 0; i < config->n_accounts; i++) {
        const AccountBlock *account = config->accounts[i];
        _cleanup_free_ char *key = account_key_path(account->directory);

        check_key_file(&(KeyFile){ account->hmac_key_file_place, "eab-hmac-key-file",
                                   account->external.hmac_key_file },
                       listener);
        check_key_file(&(KeyFile){ account->directory_place, "the account key", key }, listener);
    }
}
