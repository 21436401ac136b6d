/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* JSON Web Signatures with an account key (RFC 7515, RFC 7517, RFC 7518 §3, RFC 7638; RFC 8555
 * §6.2). */

#include <jansson.h>
#include <openssl/evp.h>

/* Makes the JWK of a public key: {"e", "kty", "n"} or {"crv", "kty", "x", "y"}. 0; -EOPNOTSUPP: the
 * key is not RSA, P-256 or P-384; -ENOMEM. */
int jwk_from_key(EVP_PKEY *key, json_t **ret);

/* Makes the JWK's SHA-256 thumbprint in base64url (RFC 7638), the second half of a key
 * authorization. 0 or -errno. */
int jwk_thumbprint(EVP_PKEY *key, char **ret);

/* The header that a signature covers besides the payload (RFC 8555 §6.2). */
typedef struct JwsHeader {
    const char *kid;   /* account URL; NULL: the header carries the JWK (newAccount) */
    const char *nonce; /* of the CA; NULL for a JWS inside another one (RFC 8555 §7.3.5) */
    const char *url;   /* the exact URL of the request */
} JwsHeader;

/**
 * jws_sign() - make the body of a POST, or a JWS inside one
 * @payload: serialised JSON; "" for POST-as-GET (RFC 8555 §6.3)
 * @ret: flattened JWS; the caller releases it with json_decref()
 *
 * The key determines the algorithm: RS256, ES256 or ES384. ECDSA signatures are raw R || S. 0,
 * -EOPNOTSUPP, -EIO, -ENOMEM.
 */
int jws_sign(EVP_PKEY *key, const JwsHeader *header, const char *payload, json_t **ret);

/* The same with HS256 and a secret, for external account binding (RFC 8555 §7.3.4). The kid is the
 * name of the secret; the nonce is not used. */
int jws_sign_hmac(const void *secret, size_t size, const JwsHeader *header, const char *payload,
                  json_t **ret);
