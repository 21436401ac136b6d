/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/values/values.h"

#include "x509/dns-name.h"

/* Labels of letters, digits, hyphens and underscores, as in _acme-challenge.example.org. */
static bool is_zone(const char *value, size_t length)
{
    size_t label = 0;

    for (size_t i = 0; i < length; i++) {
        char c = value[i];

        if (c == '.' ? label == 0
                     : !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
                           !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0 && length <= DNS_NAME_MAX;
}

int value_zone(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    _cleanup_free_ char *zone = NULL;
    size_t length = strlen(value);

    if (length > 0 && value[length - 1] == '.')
        length--;
    if (!is_zone(value, length))
        return refuse(l,
                      "%s = " QUOTED
                      " is not a zone name; write example.org, and non-ASCII names as xn--…",
                      key->name, value);
    zone = strndup(value, length);
    if (!zone)
        return -ENOMEM;
    dns_name_fold(zone);
    return key->repeated ? value_add_string(key, zone, object)
                         : value_set_string(key, zone, object);
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Whether a host name can match: only its characters, and those with a meaning for fnmatch(3), no
 * empty label, and none that begins or ends with a hyphen. An underscore may be in brackets, where
 * there are others. */
static bool is_pattern(const char *value)
{
    bool in_brackets = false;

    if (strchr(".-", *value) || strstr(value, "..") || strstr(value, ".-") || strstr(value, "-.") ||
        strchr(".-", value[strlen(value) - 1]))
        return false;
    for (char c; (c = *value) != '\0'; value++) {
        in_brackets = c == '[' || (in_brackets && c != ']');
        if (!is_alphanumeric(c) && !strchr(in_brackets ? "_*?[]!.-" : "*?[]!.-", c))
            return false;
    }
    return !in_brackets;
}

static int warn_of_domain(Loader *l, const ConfigKey *key, const char *value)
{
    SocketAddress address;

    if (socket_address_parse(value, &address) >= 0)
        return warn(l,
                    "%s = " QUOTED " never matches, because it is an address; write it in ip-san",
                    key->name, value);
    if (is_pattern(value))
        return 0;
    return warn(l,
                "%s = " QUOTED " never matches; write one name such as www.example.org, or one "
                "pattern such as *.example.org, and non-ASCII names as xn--…",
                key->name, value);
}

int value_domain(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    size_t length = strlen(value);
    AuthBlock *auth = object;
    int r;

    if (length == 0)
        return refuse(l, "%s is empty; write a name such as www.example.org, or delete the line",
                      key->name);
    r = l->is_told ? 0 : warn_of_domain(l, key, value);
    if (r < 0)
        return r;
    r = value_add_string(key, value, object);
    if (r < 0)
        return r;
    dns_name_fold(auth->domains[auth->n_domains - 1]);
    return 0;
}
