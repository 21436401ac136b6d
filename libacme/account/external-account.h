/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* External account binding: ties a new account to a customer of the CA (RFC 8555 §7.3.4). */

#include <jansson.h>
#include <openssl/evp.h>

#include "config/config.h"
#include "libacme/failure.h"

/**
 * external_account_bind() - make the binding for newAccount
 * @key: of the new account
 * @directory: of the CA
 * @ret: JWS over the key; the caller releases it with json_decref()
 *
 * 1: *ret is set; 0: no external account is configured and the CA requires none; -ENOKEY: the CA
 * requires one; -EINVAL: the HMAC key is not base64url; -EILSEQ: its file is in UTF-16; other
 * -errno: its file cannot be read.
 */
int external_account_bind(const ExternalAccount *external, EVP_PKEY *key, const json_t *directory,
                          json_t **ret);

/* Explains an error of external_account_bind(). @config: path of the configuration. */
void external_account_explain(Failure *failure, const ExternalAccount *external, const char *config,
                              int error);

/* Adds to the reason, after the CA refused newAccount with a binding, that it may be wrong. */
void external_account_suspect(Failure *failure, const ExternalAccount *external);
