/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* JSON Web Signatures with an account key (RFC 7515, RFC 7517, RFC 7518 §3, RFC 7638; RFC 8555
 * §6.2). */

#include <jansson.h>
#include <openssl/evp.h>

/* The public key as JWK: {"e", "kty", "n"} or {"crv", "kty", "x", "y"}. -EOPNOTSUPP for other keys
 * than RSA, P-256 and P-384. */
int jwk_from_key(EVP_PKEY *key, json_t **ret);

/* base64url of the JWK's SHA-256 thumbprint (RFC 7638): the second half of a key authorization. */
int jwk_thumbprint(EVP_PKEY *key, char **ret);

/**
 * jws_sign() - make the body of a POST, or what goes into one
 * @kid: account URL; NULL: the header carries the JWK (newAccount)
 * @nonce: "anti-replay" nonce of the CA; NULL in what goes into another one (RFC 8555 §7.3.5)
 * @url: the very string that the request goes to
 * @payload: serialised JSON; "" for POST-as-GET (RFC 8555 §6.3)
 * @ret: flattened JWS; json_decref()
 *
 * RS256, ES256 or ES384 as the key asks; ECDSA signatures are raw R || S. 0, -EOPNOTSUPP, -EIO,
 * -ENOMEM.
 */
int jws_sign(EVP_PKEY *key, const char *kid, const char *nonce, const char *url,
             const char *payload, json_t **ret);

/* The same with a secret, by HS256, as an external account is bound (RFC 8555 §7.3.4); @kid is the
 * secret's name. */
int jws_sign_hmac(const void *secret, size_t size, const char *kid, const char *url,
                  const char *payload, json_t **ret);
