/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/values/values.h"

#include "config/tsig-key.h"
#include "strings/encode.h"

/* Bytes of an HMAC key: shorter ones are refused, or reported. */
#define HMAC_KEY_MIN  8
#define HMAC_KEY_GOOD 16

int value_tsig_key(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    _cleanup_(tsig_key_freep) TsigKey *parsed = NULL;
    Verification *verification = object;
    char why[TSIG_WHY_SIZE];
    int r = tsig_key_parse(value, why, &parsed);

    /* Not quoted: even a malformed value contains a secret. */
    if (r == -EINVAL)
        return refuse(l, "%s cannot be used: %s; write hmac-sha256:NAME:SECRET", key->name, why);
    if (r >= 0 && parsed->algorithm->weak)
        r = warn(l, "%s uses %s, which is outdated; create a key for hmac-sha256", key->name,
                 parsed->algorithm->name);
    if (r < 0)
        return r;
    tsig_key_free(verification->tsig_key);
    verification->tsig_key = TAKE_PTR(parsed);
    return 0;
}

int value_secret_path(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    /* Not quoted: a value that is not a path may be the key itself. */
    if (value[0] != '/')
        return refuse(l, "%s is not an absolute path; start it with /", key->name);
    return value_path(l, key, value, object);
}

int value_hmac_type(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    const Digest *digest = digest_find(value, strlen(value));

    if (!digest && digest_is_broken(value, strlen(value)))
        return refuse(l, "%s = " QUOTED " is insecure and not accepted; write sha256", key->name,
                      value);
    if (!digest)
        return refuse(l,
                      "%s = " QUOTED " is not a known digest; write sha256, or sha224, sha384, "
                      "sha512, sha3-224, sha3-256, sha3-384, sha3-512",
                      key->name, value);
    *(const Digest **)config_target(key, object) = digest;
    return 0;
}

int value_hmac_key(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    size_t length = strlen(value);
    int r = 0;

    /* Not quoted: even a short value is a secret. */
    if (length == 0)
        return refuse(l,
                      "%s is empty, so any client could compute the HMAC; write a long random key",
                      key->name);
    if (length < HMAC_KEY_MIN)
        return refuse(
            l,
            "%s has only %zu bytes, so an attacker who records one request can try all keys; "
            "write a key of at least %d bytes, made with openssl rand -hex 32",
            key->name, length, HMAC_KEY_GOOD);
    if (length < HMAC_KEY_GOOD)
        r = warn(
            l,
            "%s has only %zu bytes, so an attacker who records one request may guess it; write a "
            "key of at least %d bytes, made with openssl rand -hex 32",
            key->name, length, HMAC_KEY_GOOD);
    return r < 0 ? r : value_set_string(key, value, object);
}

int value_eab_hmac_key(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    uint8_t *secret;
    size_t size;
    int r = *value ? base64_decode_any(value, strlen(value), &secret, &size) : -EINVAL;

    /* Not quoted: even a malformed value contains a secret. */
    if (r == -EINVAL)
        return refuse(l, "%s is not base64url; write the HMAC key as the CA gave it", key->name);
    if (r < 0)
        return r;
    explicit_bzero(secret, size);
    free(secret);
    return value_set_string(key, value, object);
}
