/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* newAccount requests (RFC 8555 §7.3) and the contents of registration.json. */

#include <jansson.h>
#include <openssl/evp.h>

#include "libacme/transport/session.h"

#define ACCOUNT_EC_DEFAULT "P-256"

/* Generate an account key. @group: "P-256" or "P-384"; @bits: size of the RSA key. 0 or -EIO. */
int account_key_generate_ec(const char *group, EVP_PKEY **ret);
int account_key_generate_rsa(unsigned bits, EVP_PKEY **ret);

typedef struct RegistrationRequest {
    bool only_existing;    /* find the key's account but create none; false: agree to the terms */
    const json_t *contact; /* array of "mailto:" URLs, or NULL */
    json_t *binding;       /* external_account_bind(), or NULL */
} RegistrationRequest;

/* Sends newAccount. Callback, *ret and returns as session_post(). */
int registration_request(Session *session, const RegistrationRequest *request, session_cb callback,
                         void *userdata, SessionCall **ret);

/* Packs "mailto:" URLs for RegistrationRequest; NULL: out of memory. json_decref(). */
json_t *registration_pack_contact(char *const *urls);

/**
 * registration_pack() - pack an account object of the CA for registration.json
 * @account: NULL if the CA sent none; what counts is the URL
 * @contact: the contacts of the account where @account does not show any, an array; NULL: none
 * @server: URL of the CA's directory
 * @uri: of the account; NULL: it waits for the terms to be accepted
 *
 * 0 or -errno.
 */
int registration_pack(EVP_PKEY *key, const json_t *account, const json_t *contact,
                      const char *server, const char *uri, json_t **ret);

/**
 * registration_leave() - drop the account from a registration at another CA
 * @registration: NULL is fine
 * @server: URL of the directory of the CA that is used now
 * @ret_uri: URL of the dropped account, a new string; NULL: @registration has none, or one at
 *           @server
 *
 * The contacts stay. A registration that does not say its CA, such as one of the Python server, is
 * of the CA at whose origin its account is. 0 or -ENOMEM.
 */
int registration_leave(json_t *registration, const char *server, char **ret_uri);

/* "uri", "status" and "contact" of a registration; NULL if it has none. Borrowed. */
const char *registration_uri(const json_t *registration);
const char *registration_status(const json_t *registration);
const json_t *registration_contact(const json_t *registration);

/* URL of the CA's terms of service (RFC 8555 §7.1.1); NULL if it has none. Borrowed. */
const char *directory_terms(const json_t *directory);
