/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/values/values.h"

#include <limits.h>
#include <strings.h>

#include "base/number.h"
#include "base/path.h"
#include "log/log.h"
#include "strings/text.h"

#define KIB          UINT64_C(1024)
#define MAX_SIZE_MAX (16 * KIB * KIB)

int value_set_string(const ConfigKey *key, const char *value, void *object)
{
    char **string = config_target(key, object), *copy = strdup(value);

    if (!copy)
        return -ENOMEM;
    free(*string);
    *string = copy;
    return 0;
}

/* Appends to a string vector without counting its members each time. */
int value_add_string(const ConfigKey *key, const char *value, void *object)
{
    char ***list = config_target(key, object);
    size_t *n = config_target_count(key, object);
    _cleanup_free_ char *copy = strdup(value);
    char **grown;

    if (!copy)
        return -ENOMEM;
    grown = config_grow(*list, *n + 1, sizeof(**list));
    if (!grown)
        return -ENOMEM;
    grown[*n] = TAKE_PTR(copy);
    grown[*n + 1] = NULL;
    *list = grown;
    (*n)++;
    return 0;
}

int value_path(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (value[0] != '/' || strlen(value) >= PATH_MAX)
        return refuse(l, "%s = " QUOTED " is not an absolute path; start it with /", key->name,
                      value);
    if (!path_is_usable(value))
        return refuse(l,
                      "%s = " QUOTED " cannot be used in a systemd unit; remove '..', control "
                      "characters and a trailing backslash",
                      key->name, value);
    return value_set_string(key, value, object);
}

bool value_is_yes_or_no(const char *value, bool *ret)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = { { "yes", true }, { "true", true }, { "no", false }, { "false", false } };

    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strcasecmp(value, words[i].word) == 0) {
            *ret = words[i].value;
            return true;
        }
    return false;
}

int value_bool(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (!value_is_yes_or_no(value, config_target(key, object)))
        return refuse(l, "%s = " QUOTED " is neither yes nor no", key->name, value);
    return 0;
}

/* A number of bytes, or a number with the suffix k or m. */
int value_size(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    static const struct {
        char suffix;
        uint64_t factor;
    } units[] = { { 'k', KIB }, { 'K', KIB }, { 'm', KIB * KIB }, { 'M', KIB * KIB } };
    size_t length = strlen(value);
    uint64_t factor = 1, number;

    for (size_t i = 0; i < ELEMENTSOF(units); i++)
        if (length > 0 && value[length - 1] == units[i].suffix) {
            factor = units[i].factor;
            length--;
            break;
        }
    if (number_parse(value, length, MAX_SIZE_MAX / factor, &number) < 0 || number == 0)
        return refuse(l,
                      "%s = " QUOTED
                      " is not a size from 1 byte to 16m; write a number of bytes, or 16k, or 1m",
                      key->name, value);
    *(size_t *)config_target(key, object) = (size_t)(number * factor);
    return 0;
}

int value_unsigned(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    uint64_t number;

    if (number_parse(value, strlen(value), key->max, &number) < 0 || number < key->min)
        return refuse(l, "%s = " QUOTED " is not a number%s%s from %u to %u", key->name, value,
                      key->unit ? " of " : "", str_or(key->unit, ""), key->min, key->max);
    *(unsigned *)config_target(key, object) = (unsigned)number;
    return 0;
}

int value_level(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    int level = log_level_from_string(value);

    if (level < 0)
        return refuse(
            l, "%s = " QUOTED " is not a log level; write debug, info, warning, error or critical",
            key->name, value);
    *(int *)config_target(key, object) = level;
    return 0;
}

int value_obsolete(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    (void)value;
    (void)object;
    return warn(l, "%s is obsolete and ignored; messages go to the journal, see journalctl(1)",
                key->name);
}

int value_type(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    const Section *section = l->section;
    size_t type = 0;

    while (type < section->n_types && !streq(section->types[type], value))
        type++;
    if (type == section->n_types) {
        l->type = TYPE_UNKNOWN;
        return refuse(l, "unknown type " QUOTED " in %s; write %s%s%s or %s", value,
                      config_title(l), section->n_types > 2 ? section->types[0] : "",
                      section->n_types > 2 ? ", " : "", section->types[section->n_types - 2],
                      section->types[section->n_types - 1]);
    }
    *(unsigned *)config_target(key, object) = (unsigned)type;
    if (l->type == TYPE_MISSING) /* otherwise it comes too late, which was reported before */
        l->type = (int)type;
    return 0;
}

/* The second word sets the member. */
int value_either(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (!streq(value, key->words[0]) && !streq(value, key->words[1]))
        return refuse(l, "%s = " QUOTED " is neither %s nor %s", key->name, value, key->words[0],
                      key->words[1]);
    *(bool *)config_target(key, object) = streq(value, key->words[1]);
    return 0;
}

int value_name(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (!*value)
        return refuse(l, "%s is empty; write a name, or delete the line", key->name);
    if (!text_is_utf8(value))
        return refuse(l, "%s is not UTF-8; save the file as UTF-8", key->name);
    return value_set_string(key, value, object);
}

int value_all(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (!streq(value, "yes"))
        return refuse(l, "%s can only be yes; write %s = yes, or delete the line", key->name,
                      key->name);
    *(bool *)config_target(key, object) = true;
    return 0;
}
