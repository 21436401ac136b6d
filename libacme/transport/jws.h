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

/* What a signature covers besides the payload (RFC 8555 §6.2). */
typedef struct JwsHeader {
    const char *kid;   /* account URL; NULL: the header carries the JWK (newAccount) */
    const char *nonce; /* "anti-replay" nonce of the CA; NULL in what goes into another JWS (RFC
                          8555 §7.3.5) */
    const char *url;   /* the very string that the request goes to */
} JwsHeader;

/**
 * jws_sign() - make the body of a POST, or what goes into one
 * @payload: serialised JSON; "" for POST-as-GET (RFC 8555 §6.3)
 * @ret: flattened JWS; json_decref()
 *
 * RS256, ES256 or ES384 as the key asks; ECDSA signatures are raw R || S. 0, -EOPNOTSUPP, -EIO,
 * -ENOMEM.
 */
int jws_sign(EVP_PKEY *key, const JwsHeader *header, const char *payload, json_t **ret);

/* The same with a secret, by HS256, as an external account is bound (RFC 8555 §7.3.4); the kid is
 * the secret's name, and a nonce is not used. */
int jws_sign_hmac(const void *secret, size_t size, const JwsHeader *header, const char *payload,
                  json_t **ret);
