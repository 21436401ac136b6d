/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/account/account-files.h"

#include <stdio.h>

#include "libacme/account/registration.h"
#include "libacme/transport/jws.h"
#include "statedir/account/account-dir.h"

void account_files_done(AccountFiles *files)
{
    EVP_PKEY_free(files->key);
    json_decref(files->registration);
    free(files->thumbprint);
    free(files->elsewhere);
    *files = (AccountFiles){ 0 };
}

static FileStamp stamp_file(const char *directory, const char *name)
{
    _cleanup_free_ char *path = NULL;

    if (asprintf(&path, "%s/%s", directory, name) < 0) {
        path = NULL;
        return (FileStamp){ 0 };
    }
    return file_stamp_take(path);
}

static FileStamp stamp_key(const char *directory)
{
    return stamp_file(directory, ACCOUNT_KEY_FILE);
}

static FileStamp stamp_registration(const char *directory)
{
    return stamp_file(directory, ACCOUNT_REGISTRATION_FILE);
}

static int make_account_key(AccountFiles *files, const char *directory)
{
    int r = account_key_generate_ec(ACCOUNT_EC_DEFAULT, &files->key);

    if (r >= 0)
        r = account_key_save(directory, files->key, false);
    if (r < 0) {
        (void)snprintf(files->why, sizeof(files->why), "%s", strerror(-r));
        return r;
    }
    files->key_stamp = stamp_key(directory);
    return 0;
}

int account_files_load(AccountFiles *files, const char *directory, const char *server,
                       bool make_key)
{
    int r;

    account_files_done(files);
    /* Before the files are read, so that later changes are noticed. */
    files->key_stamp = stamp_key(directory);
    files->registration_stamp = stamp_registration(directory);
    files->failed = ACCOUNT_KEY_FILE;
    r = account_key_load(directory, files->why, &files->key);
    if (r == -ENOENT && make_key)
        r = make_account_key(files, directory);
    if (r >= 0)
        *files->why = '\0';
    if (r >= 0)
        r = jwk_thumbprint(files->key, &files->thumbprint);
    if (r < 0)
        return r;
    files->failed = ACCOUNT_REGISTRATION_FILE;
    r = account_registration_load(directory, &files->registration);
    if (r == -ENOENT)
        return 0;
    if (r < 0) {
        (void)snprintf(files->why, sizeof(files->why), "%s", account_registration_words(r));
        return r;
    }
    return registration_leave(files->registration, server, &files->elsewhere);
}

AccountStanding account_standing(const AccountBlock *account, char status[ACCOUNT_STATUS_SIZE])
{
    json_auto_t *registration = NULL;
    _cleanup_free_ char *elsewhere = NULL;
    const char *said;
    int r = account_registration_load(account->directory, &registration);

    if (r == -EBADMSG)
        return ACCOUNT_DAMAGED;
    if (r >= 0)
        r = registration_leave(registration, account->server, &elsewhere);
    if (r < 0 && r != -ENOENT)
        return ACCOUNT_STANDS;
    said = registration_status(registration);
    if (said && !streq(said, "valid")) {
        (void)snprintf(status, ACCOUNT_STATUS_SIZE, "%s", said);
        return ACCOUNT_ENDED;
    }
    if (registration_uri(registration))
        return ACCOUNT_STANDS;
    return account_block_registers(account) ? ACCOUNT_UNREGISTERED : ACCOUNT_MISSING;
}

bool account_is_missing(const AccountBlock *account)
{
    char status[ACCOUNT_STATUS_SIZE];

    return account_standing(account, status) >= ACCOUNT_MISSING;
}

bool account_key_is_unusable(const AccountBlock *account, char why[ACCOUNT_KEY_WHY_SIZE])
{
    EVP_PKEY *key = NULL;
    int r = account_key_load(account->directory, why, &key);

    EVP_PKEY_free(key);
    return r == -EBADMSG;
}

int account_files_register(AccountFiles *files, const char *directory, json_t *registration)
{
    int r = account_registration_save(directory, registration);

    if (r < 0)
        return r;
    files->registration_stamp = stamp_registration(directory);
    json_decref(files->registration);
    files->registration = json_incref(registration);
    free(files->elsewhere);
    files->elsewhere = NULL;
    return 0;
}

bool account_files_are_current(const AccountFiles *files, const char *directory)
{
    FileStamp key, registration;

    if (account_new_key_exists(directory))
        return false;
    key = stamp_key(directory);
    registration = stamp_registration(directory);
    return file_stamp_equal(&key, &files->key_stamp) &&
           file_stamp_equal(&registration, &files->registration_stamp);
}
