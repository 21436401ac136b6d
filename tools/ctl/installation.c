/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/installation.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/macro.h"
#include "base/path.h"
#include "config/ca-file.h"
#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/reachability.h"
#include "ctl/running-service.h"
#include "ctl/secrecy.h"
#include "ctl/system-users.h"
#include "ctl/trail.h"
#include "ctl/user-access.h"
#include "libacme/account/account-files.h"
#include "statedir/account/account-dir.h"
#include "statedir/files/owner.h"

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
        _cleanup_(trail_done) Trail trail = { 0 };
        _cleanup_free_ char *remedy = NULL;

        if (storage->type != STORAGE_FILE ||
            path_is_below(storage->directory, config->state_directory) ||
            trail_walk(storage->directory, &trail) < 0 || trail.exists)
            continue;
        remedy = trail_remedy(&trail, REMEDY_CREATE);
        config_tell(listener, LOG_WARNING, storage->file, storage->directory_line,
                    "directory '%s' does not exist: %s, then restart acmems-orderd",
                    storage->directory, str_or(remedy, "create it"));
    }
}

/* systemd makes a socket there as root, and follows a link that the owner put in its place. */
static void check_runtime(const Config *config, const ConfigListener *listener)
{
    const char *path = config->runtime_directory;
    _cleanup_(trail_done) Trail trail = { 0 };

    if (trail_walk(path, &trail) < 0 || !trail.exists || !trail.top)
        return;
    if (trail.link || trail.open || trail_is_below_top(&trail))
        config_tell(listener, LOG_WARNING, config->path, 0,
                    "the runtime directory '%s' can be replaced by another user than root: set "
                    "runtime-directory to one whose parent directories all belong to root",
                    path);
    else
        config_tell(listener, LOG_WARNING, config->path, 0,
                    "the runtime directory '%s' does not belong to root: run chown -h root:root "
                    "'%s'; its challenges belong to acmems",
                    path, trail.path);
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
    Remedy remedy;
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

static char *give_access(const Need *need)
{
    _cleanup_(trail_done) Trail trail = { 0 };

    return trail_walk(need->path, &trail) >= 0 ? trail_remedy(&trail, need->remedy) : NULL;
}

/* Whether acmems-orderd has the access that it needs; reports a warning otherwise. */
static bool check_need(const Need *need, const Orderd *orderd, const ConfigListener *listener)
{
    int r = need->path ? user_access(orderd->user, NULL, need->path, need->mode) : 0;
    _cleanup_free_ char *remedy = NULL;

    if (r >= 0 && need->path && orderd->root)
        check_sandbox(need, orderd, listener);
    if (r >= 0 || (r == -ENOENT && need->may_be_missing))
        return true;
    remedy = r == -EACCES ? give_access(need) : r == -EROFS ? strdup(SANDBOX_REMEDY) : NULL;
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
                            .remedy = REMEDY_KEY };

        (void)check_need(&need, orderd, listener);
    }
}

/* ACCOUNT_STANDS also if the caller cannot find out. */
static AccountStanding find_standing(const AccountBlock *account, char status[ACCOUNT_STATUS_SIZE])
{
    AccountStanding standing = ACCOUNT_STANDS;

    if (ctl_become_owner(account->directory))
        standing = account_standing(account, status);
    (void)owner_leave();
    return standing;
}

/* acmems-orderd binds an account only if it may accept the terms of service; otherwise root does so
 * with acme-register. The key file is not needed after that. */
static const char *external_key_file(const AccountBlock *account)
{
    return account_block_registers(account) ? account->external.hmac_key_file : NULL;
}

static bool needs_external_key(const AccountBlock *account)
{
    char status[ACCOUNT_STATUS_SIZE];

    return external_key_file(account) && find_standing(account, status) == ACCOUNT_UNREGISTERED;
}

static void check_account(const AccountBlock *account, const Orderd *orderd,
                          const ConfigListener *listener)
{
    _cleanup_free_ char *key = account_key_path(account->directory);
    const Need needs[] = {
        { account->ca_file_place, "ca-file", account->ca_file, R_OK, .remedy = REMEDY_READABLE },
        { account->hmac_key_file_place, "eab-hmac-key-file", external_key_file(account), R_OK,
          .may_be_missing = !needs_external_key(account), .remedy = REMEDY_KEY },
        { account->directory_place, "the account directory", account->directory, R_OK | W_OK | X_OK,
          .may_be_missing = true, .remedy = REMEDY_DIRECTORY },
        { account->directory_place, "the account key", key, R_OK, .may_be_missing = true,
          .remedy = REMEDY_DIRECTORY },
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
                        .remedy = REMEDY_DIRECTORY };

    (void)check_need(&need, orderd, listener);
}

static bool exists(const char *path)
{
    _cleanup_(trail_done) Trail trail = { 0 };

    return trail_walk(path, &trail) >= 0 && trail.exists;
}

/* acmems-sign sees the cache of the configuration at its start. The cache belongs to the user of
 * acmems-orderd, whose rights are enough to find it there. */
static void check_reader(const Config *config, const ConfigListener *listener)
{
    _cleanup_free_ char *root = running_service_root("acmems-mgmt.service");
    const struct passwd *user = getpwnam(ORDERD);

    for (size_t i = 0; root && user && i < config->n_storages; i++) {
        const Storage *storage = config->storages[i];

        if (storage->type == STORAGE_FILE && exists(storage->directory) &&
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

/* As access(2), but root looks as the owner of the path. */
static int access_as_owner(const char *path, int mode)
{
    _cleanup_free_ char *doing = NULL;
    int r = owner_become(path, &doing);

    if (r >= 0 && faccessat(AT_FDCWD, path, mode, AT_EACCESS) < 0)
        r = -errno;
    (void)owner_leave();
    return r;
}

/* A file of CA certificates is no secret. What the caller may not read, acmems-orderd may. */
static void check_ca_file(const AccountBlock *account, const ConfigListener *listener)
{
    const Place place = account->ca_file_place;
    _cleanup_free_ char *doing = NULL;
    const char *why = NULL;
    int r = owner_become(account->ca_file, &doing);

    if (r >= 0)
        r = ca_file_check(account->ca_file, &why);
    (void)owner_leave();
    if (r == -EBADMSG && why)
        config_tell(listener, LOG_WARNING, place.file, place.line, "ca-file '%s' %s",
                    account->ca_file, why);
    else if (r < 0 && r != -EACCES)
        config_tell(listener, LOG_WARNING, place.file, place.line,
                    "ca-file '%s' cannot be read: %s", account->ca_file, strerror(-r));
}

/* @is_told: check_need() reported the files that acmems-orderd cannot open. */
static void check_ca_files(const Config *config, bool is_told, const ConfigListener *listener)
{
    for (size_t i = 0; i < config->n_accounts; i++) {
        const AccountBlock *account = config->accounts[i];

        if (account->ca_file && (!is_told || access_as_owner(account->ca_file, R_OK) >= 0))
            check_ca_file(account, listener);
    }
}

/* Whether the key of the account can be used; reports a warning otherwise. Root reads it as the
 * owner, who may have put a link in its place. */
static bool check_key(const AccountBlock *account, const char *path, const ConfigListener *listener)
{
    char why[ACCOUNT_KEY_WHY_SIZE];
    bool is_unusable;

    /* A credential belongs to the caller. */
    if (!account_key_is_credential() && !ctl_become_owner(path))
        return false;
    is_unusable = account_key_is_unusable(account, why);
    (void)owner_leave();
    if (is_unusable)
        config_tell(listener, LOG_WARNING, account->directory_place.file,
                    account->directory_place.line, "the account key '%s' cannot be used: %s", path,
                    why);
    return !is_unusable;
}

/* acmems-orderd registers an account only if it may accept the terms of service. */
static void check_registration(const AccountBlock *account, const char *key, const char *config,
                               const ConfigListener *listener)
{
    char status[ACCOUNT_STATUS_SIZE];
    AccountStanding standing = find_standing(account, status);
    bool is_named = *account->name, has_key = access_as_owner(key, F_OK) >= 0;
    _cleanup_free_ char *what = NULL;
    const char *options = has_key ? "" : "--gen-key ";
    int n = 0;

    if (standing < ACCOUNT_MISSING)
        return;
    if (standing == ACCOUNT_MISSING)
        n = asprintf(&what, "there is no account at %s: ", account->server);
    else if (standing == ACCOUNT_DAMAGED)
        n = asprintf(&what,
                     "'%s/" ACCOUNT_REGISTRATION_FILE
                     "' is not the registration of an account in JSON: remove it, and ",
                     account->directory);
    else {
        n = asprintf(&what, "the account at %s is %s: ", account->server, status);
        options = "--gen-key --override-existing-key ";
    }
    if (n >= 0)
        config_tell(listener, LOG_WARNING, account->file, account->line,
                    "%srun acme-register%s%s %s--register --accept-terms-of-service %s", what,
                    is_named ? " --account=" : "", account->name, options, config);
    else
        what = NULL;
}

static void check_registrations(const Config *config, const ConfigListener *listener)
{
    for (size_t i = 0; i < config->n_accounts; i++) {
        const AccountBlock *account = config->accounts[i];
        _cleanup_free_ char *key = account_key_path(account->directory);

        if (key && check_key(account, key, listener) && config_uses_account(config, account))
            check_registration(account, key, config->path, listener);
    }
}

void installation_check(const char *path, const Config *config, config_message_cb message,
                        void *userdata)
{
    const ConfigListener listener = { message, userdata };

    reachability_check(config, &listener);
    /* Of other files, the users and services of this machine need not be the readers. */
    if (!path_is_below(path, "/etc/acmems")) {
        check_ca_files(config, false, &listener);
        return;
    }
    check_files(config, &listener);
    check_storages(config, &listener);
    secrecy_check(config, &listener);
    check_runtime(config, &listener);
    check_ca_files(config, check_needs(config, &listener), &listener);
    check_reader(config, &listener);
    check_registrations(config, &listener);
    reachability_check_sockets(config, &listener);
}
