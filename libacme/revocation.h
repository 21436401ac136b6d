/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Revocation of certificates (RFC 8555 §7.6). */

#include <openssl/x509.h>

#include "libacme/transport/session.h"

#define REVOCATION_NO_REASON (-1)

/* The code (RFC 5280 §5.3.1) of a reason that a certificate's owner can have: "keyCompromise";
 * -EINVAL for another word. */
int revocation_reason_from_string(const char *name);

/* "unspecified, keyCompromise, …": all of them; free(); NULL when out of memory. */
char *revocation_reasons(void);

/**
 * revocation_request() - POST revokeCert, signed as the account
 * @reason: of revocation_reason_from_string(), or REVOCATION_NO_REASON
 *
 * Callback and *ret as session_post(). The CA answers a success without a body.
 */
int revocation_request(Session *session, const X509 *certificate, int reason, session_cb callback,
                       void *userdata, SessionCall **ret);
