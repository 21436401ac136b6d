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
 * jws_sign() - make the body of a POST
 * @kid: account URL; NULL: the header carries the JWK (newAccount)
 * @nonce: "anti-replay" nonce of the CA
 * @url: the very string that the request goes to
 * @payload: serialised JSON; "" for POST-as-GET (RFC 8555 §6.3)
 * @ret: flattened JWS, compact JSON; free()
 *
 * RS256, ES256 or ES384 as the key asks; ECDSA signatures are raw R || S. 0, -EOPNOTSUPP, -EIO,
 * -ENOMEM.
 */
int jws_sign(EVP_PKEY *key, const char *kid, const char *nonce, const char *url,
             const char *payload, char **ret);
