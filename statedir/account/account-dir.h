/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The account directory, in the file formats of the Python acme-mgmtserver: account.pem (PEM
 * private key) and registration.json ({"body": {"contact": […], "key": {JWK}, "status": "valid"},
 * "uri": "https://…"}). */

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>

#include "statedir/account/account-key.h"

#define ACCOUNT_KEY_FILE          "account.pem"
#define ACCOUNT_NEW_KEY_FILE      "account.new.pem"
#define ACCOUNT_REGISTRATION_FILE "registration.json"

/* Whether the service manager passes account.pem as a credential. A key in the directory is ignored
 * then. */
bool account_key_is_credential(void);

/* The path of account.pem in the directory, for checks of its permissions. Returns a new string;
 * NULL: out of memory. */
char *account_key_path(const char *directory);

/* Names one of the two files for a message: its path, and whether systemd supplies it. Returns a
 * new string; NULL: out of memory. */
char *account_file_describe(const char *directory, const char *name);

/* Reads account.pem, or the credential of this name if the service manager passes one. @why: on
 * failure the reason, a clause about the file. @ret: EVP_PKEY_free(). Returns 0; -ENOENT: no key
 * yet; -EBADMSG: not a usable key, see account_key_parse(); other -errno. */
int account_key_load(const char *directory, char why[ACCOUNT_KEY_WHY_SIZE], EVP_PKEY **ret);

/* Writes account.pem, PKCS#8, mode 0600. Creates the directory (0700) if it is missing. Returns 0;
 * -EEXIST: there is a key, and @replace is false; -EROFS: there is a credential, which would still
 * be used instead; other -errno. */
int account_key_save(const char *directory, EVP_PKEY *key, bool replace);

/* account.new.pem: the key that replaces account.pem after the CA has accepted it. With a
 * credential there is never a new key: saving returns -EROFS, loading -ENOENT. Adopting renames it
 * to account.pem. */
bool account_new_key_exists(const char *directory);
/* see account_key_load() */
int account_new_key_load(const char *directory, char why[ACCOUNT_KEY_WHY_SIZE], EVP_PKEY **ret);
int account_new_key_save(const char *directory, EVP_PKEY *key); /* -EEXIST: there is one */
int account_new_key_adopt(const char *directory);
int account_new_key_remove(const char *directory);

/* Locks the directory against other processes that change its key. Returns a descriptor that holds
 * the lock until it is closed; -EBUSY: another process has the lock; -ENOENT: no such directory;
 * other -errno. */
int account_dir_lock(const char *directory);

/* Reads registration.json. Without "uri", the terms of service are not accepted yet. @ret:
 * json_decref(). Returns 0; -ENOENT: it does not exist; -EBADMSG: it is not a registration; other
 * -errno. */
int account_registration_load(const char *directory, json_t **ret);

/* Returns why registration.json could not be read, a clause about the file. Borrowed. */
const char *account_registration_words(int error);

/* Writes registration.json, keys sorted, indented by 4 spaces, mode 0600. Returns 0 or -errno. */
int account_registration_save(const char *directory, const json_t *registration);
