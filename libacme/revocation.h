/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Revocation of certificates (RFC 8555 §7.6). */

#include <openssl/x509.h>

#include "libacme/failure.h"
#include "libacme/transport/session.h"

#define REVOCATION_NO_REASON      (-1)
#define REVOCATION_KEY_COMPROMISE 1

/* Returns the code (RFC 5280 §5.3.1) of a reason that a certificate's owner can give:
 * "keyCompromise". -EINVAL for any other word. */
int revocation_reason_from_string(const char *name);

/* Returns all reasons in one string: "unspecified, keyCompromise, …". The caller releases it with
 * free(). NULL if out of memory. */
char *revocation_reasons(void);

/**
 * revocation_request() - send revokeCert, signed with the account key
 * @reason: from revocation_reason_from_string(), or REVOCATION_NO_REASON
 *
 * Callback, *ret and returns as session_post(). A successful answer has no body.
 */
int revocation_request(Session *session, const X509 *certificate, int reason, session_cb callback,
                       void *userdata, SessionCall **ret);

/* Says what a failure of revocation_request() means where its problem type is about the certificate
 * there, and not about the account (RFC 8555 §7.6). @problem: the answer's JSON; NULL: none. */
void revocation_explain(Failure *failure, const json_t *problem);
