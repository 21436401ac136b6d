/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/installation.h"

#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/macro.h"
#include "base/path.h"
#include "config/config.h"
#include "ctl/reachability.h"
#include "ctl/running-service.h"
#include "ctl/user-access.h"
#include "libacme/account/account-files.h"
#include "statedir/account/account-dir.h"

/* The group of the services that read the configuration. */
#define READERS "acmems"
/* The user of acmems-orderd, the only service that uses the other files named there. */
#define ORDERD "acmems"

#define FILE_REMEDY      "give it the group acmems and mode 0640"
#define KEY_REMEDY       "run chown acmems: FILE && chmod 0400 FILE"
#define DIRECTORY_REMEDY "run chown -R acmems:acmems on it"
#define SANDBOX_REMEDY                                                                             \
    "if a service started before the configuration named it, run systemctl daemon-reload && "      \
    "systemctl restart acmems-orderd"

static bool readers_can_read(const char *path, gid_t readers)
{
    struct stat st;

    return stat(path, &st) < 0 || st.st_mode & S_IROTH ||
           (st.st_mode & S_IRGRP && st.st_gid == readers);
}

/* An editor may replace a file by one that only root can read. Files elsewhere may have other
 * readers on purpose. */
static void check_files(const Config *config, const ConfigListener *listener)
{
    const struct group *readers = getgrnam(READERS);

    for (size_t i = 0; readers && i < config->n_files; i++)
        if (path_is_below(config->files[i], "/etc/acmems") &&
            !readers_can_read(config->files[i], readers->gr_gid))
            config_tell(listener, LOG_WARNING, config->files[i], 0,
                        "the services cannot read this file: run systemd-tmpfiles --create "
                        "acmems.conf to restore its mode");
}

/* acmems-orderd creates what is below the state directory. */
static void check_storages(const Config *config, const ConfigListener *listener)
{
    for (size_t i = 0; i < config->n_storages; i++) {
        const Storage *storage = config->storages[i];

        if (storage->type != STORAGE_FILE ||
            path_is_below(storage->directory, config->state_directory) ||
            access(storage->directory, F_OK) == 0)
            continue;
        config_tell(listener, LOG_WARNING, storage->file, storage->directory_line,
                    "directory '%s' does not exist: create it with install -d -o acmems -g "
                    "acmems -m 0750, then restart acmems-orderd",
                    storage->directory);
    }
}

/* systemd makes a socket there as root, and follows a link that the owner put in its place. */
static void check_runtime(const Config *config, const ConfigListener *listener)
{
    struct stat st;

    if (stat(config->runtime_directory, &st) >= 0 && st.st_uid != 0)
        config_tell(listener, LOG_WARNING, config->path, 0,
                    "the runtime directory '%s' does not belong to root: run chown root:root '%s'; "
                    "its challenges belong to acmems",
                    config->runtime_directory, config->runtime_directory);
}

/* acmems-orderd: its user, and its file system while it runs. */
typedef struct Orderd {
    const struct passwd *user;
    char *root; /* see running_service_root() */
} Orderd;

static void orderd_done(Orderd *orderd)
{
    free(orderd->root);
}

/* A file or directory that acmems-orderd needs. */
typedef struct Need {
    Place place; /* where the configuration names it */
    const char *what;
    const char *path; /* NULL: the configuration does not name one */
    int mode;
    bool may_be_missing;
    const char *remedy;
} Need;

/* A service keeps the sandbox that it started with. Directories that the configuration names since
 * then are missing there. */
static void check_sandbox(const Need *need, const Orderd *orderd, const ConfigListener *listener)
{
    int r = user_access(orderd->user, orderd->root, need->path, need->mode);

    if (r == -EROFS || r == -ENOENT)
        config_tell(listener, LOG_WARNING, need->place.file, need->place.line,
                    "the sandbox of the running acmems-orderd does not have %s '%s': run systemctl "
                    "daemon-reload && systemctl restart acmems-orderd",
                    need->what, need->path);
}

/* Whether acmems-orderd has the access that it needs; reports a warning otherwise. */
static bool check_need(const Need *need, const Orderd *orderd, const ConfigListener *listener)
{
    int r = need->path ? user_access(orderd->user, NULL, need->path, need->mode) : 0;
    const char *remedy;

    if (r >= 0 && need->path && orderd->root)
        check_sandbox(need, orderd, listener);
    if (r >= 0 || (r == -ENOENT && need->may_be_missing))
        return true;
    remedy = r == -EACCES ? need->remedy : r == -EROFS ? SANDBOX_REMEDY : NULL;
    config_tell(listener, LOG_WARNING, need->place.file, need->place.line,
                "acmems-orderd cannot %s %s '%s': %s%s%s", need->mode & W_OK ? "write to" : "read",
                need->what, need->path, strerror(-r), remedy ? ": " : "", str_or(remedy, ""));
    return false;
}

static void check_verifications(const Config *config, const Orderd *orderd,
                                const ConfigListener *listener)
{
    for (size_t i = 0; i < config->n_verifications; i++) {
        const Verification *v = config->verifications[i];
        const Need need = { { v->file, v->tsig_key_file_line },
                            "tsig-key-file",
                            v->tsig_key_file,
                            R_OK,
                            .remedy = KEY_REMEDY };

        (void)check_need(&need, orderd, listener);
    }
}

/* A file that only acmems-orderd may read. */
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
static void check_key_file(const KeyFile *key, const ConfigListener *listener)
{
    struct stat st;

    if (!key->path || stat(key->path, &st) < 0 || (!(st.st_mode & S_IRWXO) && !is_of_handler(&st)))
        return;
    config_tell(listener, LOG_WARNING, key->place.file, key->place.line,
                "other services than acmems-orderd can read %s '%s', which has mode %04o: run "
                "chown acmems: '%s' && chmod 0400 '%s'",
                key->what, key->path, st.st_mode & 07777, key->path, key->path);
}

static void check_key_files(const Config *config, const ConfigListener *listener)
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

/* acmems-orderd binds an account only if it may accept the terms of service; otherwise root does so
 * with acme-register. The key file is not needed after that. */
static const char *external_key_file(const AccountBlock *account)
{
    return account_block_registers(account) ? account->external.hmac_key_file : NULL;
}

static void check_account(const AccountBlock *account, const Orderd *orderd,
                          const ConfigListener *listener)
{
    _cleanup_free_ char *key = account_key_path(account->directory);
    const Need needs[] = {
        { account->ca_file_place, "ca-file", account->ca_file, R_OK, .remedy = FILE_REMEDY },
        { account->hmac_key_file_place, "eab-hmac-key-file", external_key_file(account), R_OK,
          .may_be_missing = true, .remedy = KEY_REMEDY },
        { account->directory_place, "the account directory", account->directory, R_OK | W_OK | X_OK,
          .may_be_missing = true, .remedy = DIRECTORY_REMEDY },
        { account->directory_place, "the account key", key, R_OK, .may_be_missing = true,
          .remedy = DIRECTORY_REMEDY },
    };

    /* Without access to the directory, a warning about the key would repeat the same problem. */
    for (size_t i = 0; i < ELEMENTSOF(needs); i++)
        if (!check_need(&needs[i], orderd, listener) && needs[i].mode & W_OK)
            break;
}

/* check_storages() reports a directory that does not exist. */
static void check_storage(const Storage *storage, const Orderd *orderd,
                          const ConfigListener *listener)
{
    const Need need = { { storage->file, storage->directory_line },
                        "directory",
                        storage->directory,
                        R_OK | W_OK | X_OK,
                        .may_be_missing = true,
                        .remedy = DIRECTORY_REMEDY };

    (void)check_need(&need, orderd, listener);
}

/* acmems-sign sees the cache of the configuration at its start. */
static void check_reader(const Config *config, const ConfigListener *listener)
{
    _cleanup_free_ char *root = running_service_root("acmems-mgmt.service");
    const struct passwd *user = getpwuid(geteuid());

    for (size_t i = 0; root && user && i < config->n_storages; i++) {
        const Storage *storage = config->storages[i];

        if (storage->type == STORAGE_FILE && access(storage->directory, F_OK) == 0 &&
            user_access(user, root, storage->directory, F_OK) == -ENOENT)
            config_tell(listener, LOG_WARNING, storage->file, storage->directory_line,
                        "the sandbox of the running acmems-sign does not have directory '%s': run "
                        "systemctl daemon-reload && systemctl restart acmems-mgmt.service",
                        storage->directory);
    }
}

/* False: the caller cannot find out. */
static bool check_needs(const Config *config, const ConfigListener *listener)
{
    _cleanup_(orderd_done) Orderd orderd = { .user = getpwnam(ORDERD) };

    if (!orderd.user || !user_access_is_known(orderd.user))
        return false;
    orderd.root = running_service_root("acmems-orderd.service");
    check_verifications(config, &orderd, listener);
    for (size_t i = 0; i < config->n_accounts; i++)
        check_account(config->accounts[i], &orderd, listener);
    for (size_t i = 0; i < config->n_storages; i++)
        check_storage(config->storages[i], &orderd, listener);
    return true;
}

/* A file of CA certificates is no secret. What the caller may not read, acmems-orderd may. */
static void check_ca_files(const Config *config, const ConfigListener *listener)
{
    for (size_t i = 0; i < config->n_accounts; i++) {
        const AccountBlock *account = config->accounts[i];

        if (account->ca_file && access(account->ca_file, R_OK) < 0 && errno != EACCES)
            config_tell(listener, LOG_WARNING, account->ca_file_place.file,
                        account->ca_file_place.line, "ca-file '%s' cannot be read: %s",
                        account->ca_file, strerror(errno));
    }
}

/* acmems-orderd registers an account only if it may accept the terms of service. */
static void check_registrations(const Config *config, const ConfigListener *listener)
{
    for (size_t i = 0; i < config->n_accounts; i++) {
        const AccountBlock *account = config->accounts[i];
        _cleanup_free_ char *key = account_key_path(account->directory);
        bool is_named = *account->name, has_key = key && access(key, F_OK) == 0;
        char why[ACCOUNT_KEY_WHY_SIZE];

        if (account_key_is_unusable(account, why)) {
            config_tell(listener, LOG_WARNING, account->directory_place.file,
                        account->directory_place.line, "the account key '%s' cannot be used: %s",
                        str_or(key, ACCOUNT_KEY_FILE), why);
            continue;
        }
        if (config_uses_account(config, account) && account_is_missing(account))
            config_tell(listener, LOG_WARNING, account->file, account->line,
                        "there is no account at %s: run acme-register%s%s%s --register "
                        "--accept-terms-of-service %s",
                        account->server, is_named ? " --account=" : "", account->name,
                        has_key ? "" : " --gen-key", config->path);
    }
}

void installation_check(const char *path, const Config *config, config_message_cb message,
                        void *userdata)
{
    const ConfigListener listener = { message, userdata };

    reachability_check(config, &listener);
    /* Of other files, the users and services of this machine need not be the readers. */
    if (!path_is_below(path, "/etc/acmems")) {
        check_ca_files(config, &listener);
        return;
    }
    check_files(config, &listener);
    check_storages(config, &listener);
    check_key_files(config, &listener);
    check_runtime(config, &listener);
    if (!check_needs(config, &listener))
        check_ca_files(config, &listener);
    check_reader(config, &listener);
    check_registrations(config, &listener);
    reachability_check_sockets(config, &listener);
}
