/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/account/external-account.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/io.h"
#include "libacme/transport/jws.h"
#include "libacme/transport/session.h"
#include "strings/encode.h"
#include "strings/text.h"

#define KEY_FILE_SIZE_MAX ((size_t)4096)

/* The HMAC key in clear. Wiped after use. */
typedef struct Secret {
    uint8_t *bytes;
    size_t size;
} Secret;

static void secret_done(Secret *secret)
{
    if (secret->bytes)
        explicit_bzero(secret->bytes, secret->size);
    free(secret->bytes);
}

static int secret_decode(const char *text, size_t length, Secret *ret)
{
    int r = base64_decode_any(text, length, &ret->bytes, &ret->size);

    return r >= 0 && ret->size == 0 ? -EINVAL : r;
}

static int secret_read(const char *path, Secret *ret)
{
    _cleanup_free_ char *text = NULL;
    size_t size, begin, length;
    int r = read_file_at(AT_FDCWD, path, KEY_FILE_SIZE_MAX, &text, &size);

    if (r < 0)
        return r;
    if (text_is_utf16(text, size)) {
        explicit_bzero(text, size);
        return -EILSEQ;
    }
    begin = text_mark_size(text, size);
    begin += strspn(text + begin, " \t\r\n");
    length = strcspn(text + begin, " \t\r\n");
    /* The file contains the key and nothing else. */
    r = begin + length + strspn(text + begin + length, " \t\r\n") == size
            ? secret_decode(text + begin, length, ret)
            : -EINVAL;
    explicit_bzero(text, size);
    return r;
}

static bool is_asked_for(const json_t *directory)
{
    return json_is_true(
        json_object_get(json_object_get(directory, "meta"), "externalAccountRequired"));
}

int external_account_bind(const ExternalAccount *external, EVP_PKEY *key, const json_t *directory,
                          json_t **ret)
{
    const char *url = session_url(directory, "newAccount");
    _cleanup_(secret_done) Secret secret = { 0 };
    _cleanup_free_ char *payload = NULL;
    json_auto_t *jwk = NULL;
    int r;

    if (!external->kid)
        return is_asked_for(directory) ? -ENOKEY : 0;
    if (external->hmac_key)
        r = secret_decode(external->hmac_key, strlen(external->hmac_key), &secret);
    else
        r = secret_read(external->hmac_key_file, &secret);
    if (r >= 0)
        r = jwk_from_key(key, &jwk);
    if (r < 0)
        return r;
    payload = json_dumps(jwk, JSON_COMPACT);
    if (!payload)
        return -ENOMEM;
    r = jws_sign_hmac(secret.bytes, secret.size, &(JwsHeader){ .kid = external->kid, .url = url },
                      payload, ret);
    return r < 0 ? r : 1;
}

void external_account_explain(Failure *failure, const ExternalAccount *external, const char *config,
                              int error)
{
    _cleanup_free_ char *what = NULL, *advice = NULL;

    if (asprintf(&what,
                 "set eab-kid and eab-hmac-key-file in [account] of %s to the values that the CA "
                 "gave, or pass them to acme-register",
                 config) < 0)
        what = NULL;
    advice = what ? failure_advice(what) : NULL;
    if (error == -ENOKEY)
        failure_set(failure, LOG_EVENT_ACCOUNT_UNUSABLE, 500, 0,
                    "The CA requires an external account binding. %s", str_or(advice, ""));
    else
        failure_set(failure, LOG_EVENT_ACCOUNT_UNUSABLE, 500, 0,
                    "The server cannot use the HMAC key of the external account binding in %s: %s.",
                    external->hmac_key ? config : external->hmac_key_file,
                    error == -EINVAL   ? "it is not base64url"
                    : error == -EILSEQ ? "the file is in UTF-16; save it as UTF-8"
                                       : strerror(-error));
}

void external_account_suspect(Failure *failure, const ExternalAccount *external)
{
    if (!external->kid || !failure->problem || failure->status != 500)
        return;
    failure_amend(
        failure,
        "The CA may have rejected the external account binding. Check eab-kid and its HMAC key.");
}
