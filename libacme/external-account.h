/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A new account bound to one that the CA knows its customer by (RFC 8555 §7.3.4). */

#include <jansson.h>
#include <openssl/evp.h>

#include "config/config.h"
#include "libacme/failure.h"

/**
 * external_account_bind() - make what goes into newAccount
 * @key: of the new account
 * @directory: of the CA
 * @ret: JWS over the key; json_decref()
 *
 * 1; 0: there is no external account, and the CA asks for none; -ENOKEY: it does ask; -EINVAL: the
 * HMAC key is not base64url; other -errno: its file cannot be read.
 */
int external_account_bind(const ExternalAccount *external, EVP_PKEY *key, const json_t *directory,
                          json_t **ret);

/* What such an error means and what to do. @config: path of the configuration. */
void external_account_explain(Failure *failure, const ExternalAccount *external, const char *config,
                              int error);

/* Where the CA refused newAccount with a binding: adds to the reason what may be wrong with it. */
void external_account_suspect(Failure *failure, const ExternalAccount *external);
