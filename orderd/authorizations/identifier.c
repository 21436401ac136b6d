/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "authorizations/identifier.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "net/address.h"
#include "strings/strv.h"
#include "strings/text.h"
#include "x509/dns-name.h"

static const char *member(const json_t *authorization, const char *name)
{
    return json_string_value(json_object_get(json_object_get(authorization, "identifier"), name));
}

/* RFC 8555 §7.1.4 says so in a member of its own, without "*." in the name. Some CAs leave it
 * there. */
static bool is_for_wildcard(const json_t *authorization)
{
    const char *value = member(authorization, "value");

    return json_is_true(json_object_get(authorization, "wildcard")) ||
           (value && value != dns_name_base(value));
}

static bool find_name(const char *value, bool is_wildcard, const Csr *csr, Identifier *ret)
{
    STRV_FOREACH (name, csr->names)
        if ((**name == '*') == is_wildcard &&
            strcasecmp(dns_name_base(*name), dns_name_base(value)) == 0) {
            *ret = (Identifier){ .name = dns_name_base(*name), .is_wildcard = is_wildcard };
            return true;
        }
    return false;
}

/* An IPv6 address has several spellings (RFC 8738 §3 asks for that of RFC 5952). */
static bool find_address(const char *value, const Csr *csr, Identifier *ret)
{
    bool is_long = strchr(value, ':');
    char text[INET6_ADDRSTRLEN];
    uint8_t octets[16];

    if (inet_pton(is_long ? AF_INET6 : AF_INET, value, octets) != 1 ||
        address_from_octets(octets, is_long ? 16 : 4, text) < 0)
        return false;
    STRV_FOREACH (address, csr->addresses)
        if (streq(*address, text)) {
            *ret = (Identifier){ .name = *address, .is_address = true };
            return true;
        }
    return false;
}

bool identifier_find(const json_t *authorization, const Csr *csr, Identifier *ret)
{
    const char *type = member(authorization, "type"), *value = member(authorization, "value");
    bool is_wildcard = is_for_wildcard(authorization);

    if (!type || !value)
        return false;
    if (streq(type, "dns"))
        return find_name(value, is_wildcard, csr, ret);
    return streq(type, "ip") && !is_wildcard && find_address(value, csr, ret);
}

char *identifier_describe(const json_t *authorization)
{
    const char *value = member(authorization, "value");
    char *text;

    if (!value || asprintf(&text, "%s%.*s", is_for_wildcard(authorization) ? "*." : "",
                           DNS_NAME_MAX, dns_name_base(value)) < 0)
        return NULL;
    text_flatten(text);
    return text;
}
