/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/dns-name.h"

#include <fnmatch.h>

#include "base/macro.h"

#define LABEL_MAX 63
#define DIGITS    "0123456789"
#define LDH       "abcdefghijklmnopqrstuvwxyz" DIGITS "-"

static bool label_is_valid(const char *label, size_t length)
{
    return length > 0 && length <= LABEL_MAX && label[0] != '-' && label[length - 1] != '-';
}

const char *dns_name_base(const char *name)
{
    return strncmp(name, "*.", 2) == 0 ? name + 2 : name;
}

bool dns_name_is_valid(const char *name)
{
    const char *label = dns_name_base(name);
    size_t length;

    if (strlen(name) > DNS_NAME_MAX)
        return false;
    for (;;) {
        length = strspn(label, LDH);
        if (!label_is_valid(label, length))
            return false;
        if (label[length] != '.')
            break;
        label += length + 1;
    }
    /* A last label of only digits would make it an IPv4 address. */
    return label[length] == '\0' && strspn(label, DIGITS) < length;
}

bool dns_name_is_below(const char *name, const char *domain)
{
    size_t length = strlen(domain), all = strlen(name);

    return all > length && name[all - length - 1] == '.' && streq(name + all - length, domain);
}

void dns_name_fold(char *name)
{
    /* Not tolower(): names mean the same in every locale. */
    for (; *name; name++)
        if (*name >= 'A' && *name <= 'Z')
            *name = (char)(*name - 'A' + 'a');
}

bool dns_name_matches(const char *name, const char *pattern)
{
    /* Only a leading * of the pattern matches the * of the name: "?" and "[*]" must not. */
    if (*name == '*')
        return *pattern == '*' && fnmatch(pattern, name + 1, FNM_NOESCAPE) == 0;
    return fnmatch(pattern, name, FNM_NOESCAPE) == 0;
}
