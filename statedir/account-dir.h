/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The account directory, in the file formats of the Python acme-mgmtserver: account.pem (PEM
 * private key) and registration.json ({"body": {"contact": […], "key": {JWK}, "status": "valid"},
 * "uri": "https://…"}). */

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>

/* Whether the service manager hands account.pem over: the one in the directory does not count then.
 */
bool account_key_is_credential(void);

/* Where account.pem is: for who looks at its rights. New string, NULL when out of memory. */
char *account_key_path(const char *directory);

/* Reads account.pem, the credential of that name where the service manager gave one: RSA or EC
 * (P-256, P-384), unencrypted, PKCS#1, SEC1 or PKCS#8. -ENOENT: no key
 * yet; -EBADMSG: not a usable key; -errno. */
int account_key_load(const char *directory, EVP_PKEY **ret);

/* Writes account.pem, PKCS#8, mode 0600. Without @replace never over a key: -EEXIST; never
 * beside a credential, which would go on to be used: -EROFS. The directory
 * is made, 0700, where missing. */
int account_key_save(const char *directory, EVP_PKEY *key, bool replace);

/* account.new.pem: the key that is to take account.pem's place, once the CA has taken it. There is
 * never one beside a credential: -EROFS, and none to be loaded. */
bool account_new_key_exists(const char *directory);
int account_new_key_load(const char *directory, EVP_PKEY **ret); /* as account_key_load() */
int account_new_key_save(const char *directory, EVP_PKEY *key);  /* never over another: -EEXIST */
int account_new_key_adopt(const char *directory);
int account_new_key_remove(const char *directory);

/* Locks the directory against all who change its key, until the fd that is returned is closed.
 * -EBUSY: another has it; -ENOENT: there is no such directory; -errno. */
int account_dir_lock(const char *directory);

/* Reads registration.json; without "uri" it waits for the terms of service to be accepted. -ENOENT:
 * none; -EBADMSG: not such an object. *ret: json_decref(). */
int account_registration_load(const char *directory, json_t **ret);

/* Writes it, keys sorted, indented by 4, mode 0600. */
int account_registration_save(const char *directory, const json_t *registration);
