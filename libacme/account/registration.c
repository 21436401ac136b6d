/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/account/registration.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "base/macro.h"
#include "libacme/https/url.h"
#include "libacme/transport/jws.h"

int account_key_generate_ec(const char *group, EVP_PKEY **ret)
{
    EVP_PKEY *key = EVP_EC_gen(group);

    if (!key)
        return -EIO;
    *ret = key;
    return 0;
}

int account_key_generate_rsa(unsigned bits, EVP_PKEY **ret)
{
    EVP_PKEY *key = EVP_RSA_gen(bits);

    if (!key)
        return -EIO;
    *ret = key;
    return 0;
}

int registration_request(Session *session, const RegistrationRequest *request, session_cb callback,
                         void *userdata, SessionCall **ret)
{
    json_auto_t *payload = NULL;

    if (request->only_existing)
        payload = json_pack("{sb}", "onlyReturnExisting", 1);
    else
        payload = json_pack("{sbsO*}", "termsOfServiceAgreed", 1, "externalAccountBinding",
                            request->binding);
    if (!payload)
        return -ENOMEM;
    if (json_array_size(request->contact) > 0 &&
        json_object_set_new(payload, "contact", json_deep_copy(request->contact)) < 0)
        return -ENOMEM;
    return session_post(
        session,
        &(SessionRequest){ .resource = "newAccount", .payload = payload, .with_jwk = true },
        callback, userdata, ret);
}

json_t *registration_pack_contact(char *const *urls)
{
    _cleanup_(json_decrefp) json_t *list = json_array();

    for (char *const *url = urls; url && *url; url++)
        if (json_array_append_new(list, json_string(*url)) < 0)
            return NULL;
    return TAKE_PTR(list);
}

int registration_pack(EVP_PKEY *key, const json_t *account, const json_t *contact,
                      const char *server, const char *uri, json_t **ret)
{
    const json_t *shown = json_object_get(account, "contact");
    json_auto_t *jwk = NULL, *kept = NULL;
    const char *status = json_string_value(json_object_get(account, "status"));
    json_t *registration;
    int r;

    r = jwk_from_key(key, &jwk);
    if (r < 0)
        return r;
    kept = json_deep_copy(shown ? shown : contact);
    registration =
        json_pack("{s{sosOss*}ss*ss*}", "body", "contact", kept ? TAKE_PTR(kept) : json_array(),
                  "key", jwk, "status", status, "server", server, "uri", uri);
    if (!registration)
        return -ENOMEM;
    *ret = registration;
    return 0;
}

static bool is_of(const json_t *registration, const char *server)
{
    const char *own = json_string_value(json_object_get(registration, "server"));

    return own ? streq(own, server) : url_same_origin(registration_uri(registration), server);
}

int registration_leave(json_t *registration, const char *server, char **ret_uri)
{
    const char *uri = registration_uri(registration);
    char *copy;

    *ret_uri = NULL;
    if (!uri || is_of(registration, server))
        return 0;
    copy = strdup(uri);
    if (!copy)
        return -ENOMEM;
    json_object_del(registration, "uri");
    json_object_del(json_object_get(registration, "body"), "status");
    *ret_uri = copy;
    return 0;
}

const char *registration_uri(const json_t *registration)
{
    return session_url(registration, "uri");
}

const char *registration_status(const json_t *registration)
{
    return json_string_value(json_object_get(json_object_get(registration, "body"), "status"));
}

const json_t *registration_contact(const json_t *registration)
{
    const json_t *contact = json_object_get(json_object_get(registration, "body"), "contact");

    return json_is_array(contact) ? contact : NULL;
}

const char *directory_terms(const json_t *directory)
{
    const json_t *meta = json_object_get(directory, "meta");

    return json_string_value(json_object_get(meta, "termsOfService"));
}
