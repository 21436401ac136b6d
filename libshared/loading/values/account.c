/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/values/values.h"

#include <strings.h>

#include "base/number.h"
#include "strings/email.h"
#include "strings/text.h"

static bool is_https_url(const char *value)
{
    const char *host = value + STRLEN("https://");

    if (strncasecmp(value, "https://", STRLEN("https://")) != 0 || !*host || *host == '/')
        return false;
    for (const char *c = value; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return true;
}

int value_acme_server(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (!is_https_url(value))
        return refuse(
            l,
            "%s = " QUOTED
            " is not an https:// URL, which ACME requires; write the URL of the CA's directory",
            key->name, value);
    return value_set_string(key, value, object);
}

/* A host and its port: libcurl takes 1080 where there is none, which is rarely meant. */
static bool is_host_with_port(const char *text, size_t length)
{
    const char *colon = memrchr(text, ':', length);
    size_t n_host = colon ? (size_t)(colon - text) : 0;
    bool is_bracketed = n_host > 2 && text[0] == '[' && text[n_host - 1] == ']';
    uint64_t port;

    /* Otherwise the colon is one of an IPv6 address. */
    if (n_host == 0 || (!is_bracketed && memchr(text, ':', n_host)))
        return false;
    return number_parse(colon + 1, length - n_host - 1, UINT16_MAX, &port) >= 0 && port > 0;
}

/* "http://USER:PASSWORD@HOST:PORT/", where the user and the last slash may be missing. What libcurl
 * reads in another way is refused: its message would show the password. */
static bool is_proxy(const char *value)
{
    static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };
    const char *authority = NULL, *at;
    size_t length;

    for (const char *c = value; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    for (size_t i = 0; i < ELEMENTSOF(schemes); i++)
        if (strncasecmp(value, schemes[i], strlen(schemes[i])) == 0)
            authority = value + strlen(schemes[i]);
    if (!authority)
        return false;
    length = strcspn(authority, "/?#");
    at = memrchr(authority, '@', length);
    if (authority[length] && !streq(authority + length, "/"))
        return false;
    if (at) {
        length -= (size_t)(at + 1 - authority);
        authority = at + 1;
    }
    return is_host_with_port(authority, length);
}

int value_proxy(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    int r = 0;

    /* Not quoted: it may contain a password. */
    if (*value && !is_proxy(value))
        return refuse(l,
                      "%s is not the URL of a proxy with its port; write http://192.0.2.8:3128, or "
                      "https://, socks5:// or socks5h:// in place of http://, and %%2F for a slash "
                      "in a password",
                      key->name);
    if (strchr(value, '@'))
        r = warn(l,
                 "acmems-sign, which serves clients, can read the password in %s; let the proxy "
                 "permit this machine by its address",
                 key->name);
    return r < 0 ? r : value_set_string(key, value, object);
}

int value_terms(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    bool accepts;

    if (value_is_yes_or_no(value, &accepts)) {
        ((AccountBlock *)object)->accept_terms_of_service |= accepts;
        return 0;
    }
    if (strncasecmp(value, "https://", 8) != 0 && strncasecmp(value, "http://", 7) != 0)
        return refuse(
            l,
            "%s = " QUOTED
            " is neither yes nor a URL; write yes, or the URL of the terms that you accept",
            key->name, value);
    return value_add_string(key, value, object);
}

int value_contact(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    _cleanup_free_ char *url = NULL;
    int r = email_to_url(value, &url);

    if (r == -EINVAL)
        return refuse(l, "%s = " QUOTED " is not an e-mail address; write you@example.org",
                      key->name, value);
    return r < 0 ? r : value_add_string(key, url, object);
}

int value_eab_kid(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (!*value)
        return refuse(l, "%s is empty; write the key identifier that the CA gave you", key->name);
    if (!text_is_utf8(value))
        return refuse(l, "%s is not UTF-8; save the file as UTF-8", key->name);
    return value_set_string(key, value, object);
}
