/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The contents of an account directory: the key and registration.json. */

#include <jansson.h>
#include <openssl/evp.h>

#include "base/file-stamp.h"
#include "base/macro.h"
#include "config/config.h"
#include "statedir/account/account-key.h"

/* Empty when zeroed. */
typedef struct AccountFiles {
    EVP_PKEY *key;
    char *thumbprint;     /* of the key (RFC 7638) */
    json_t *registration; /* NULL: none; without "uri": there is no account at the CA */
    char *elsewhere;      /* URL of the account that the directory has at another CA, or NULL */
    FileStamp key_stamp, registration_stamp;
    const char *failed; /* the name of the file that could not be loaded, after an error */
    char why[ACCOUNT_KEY_WHY_SIZE]; /* the reason, a clause about the file */
} AccountFiles;

void account_files_done(AccountFiles *files);

/**
 * account_files_load() - read the directory and replace what was read earlier
 * @server: URL of the CA's directory
 * @make_key: generate and save a key if there is none
 *
 * 0; -ENOENT: there is no key; other -errno.
 */
int account_files_load(AccountFiles *files, const char *directory, const char *server,
                       bool make_key);

/* What registration.json says. */
typedef enum AccountStanding {
    ACCOUNT_STANDS,       /* a valid account, or the file cannot be read here */
    ACCOUNT_UNREGISTERED, /* none yet: acmems-orderd registers one */
    ACCOUNT_MISSING,      /* none, and acmems-orderd may not register one */
    ACCOUNT_ENDED,        /* one that the CA does not accept any more */
    ACCOUNT_DAMAGED,      /* the file is no registration */
} AccountStanding;

#define ACCOUNT_STATUS_SIZE 32

/* @status: set for ACCOUNT_ENDED, "deactivated" or "revoked" (RFC 8555 §7.1.2). */
AccountStanding account_standing(const AccountBlock *account, char status[ACCOUNT_STATUS_SIZE]);

/* Whether acmems-orderd has no account to order with until somebody acts. */
bool account_is_missing(const AccountBlock *account);

/* Whether there is a key that acmems cannot use. @why: then the reason, a clause about the file. */
bool account_key_is_unusable(const AccountBlock *account, char why[ACCOUNT_KEY_WHY_SIZE]);

/* Saves a registration and takes a reference to it. 0 or -errno. */
int account_files_register(AccountFiles *files, const char *directory, json_t *registration);

/* Whether key and registration on disk are those that were loaded. False while a change of the key
 * is in progress: then only the CA knows which key is valid. */
bool account_files_are_current(const AccountFiles *files, const char *directory);
