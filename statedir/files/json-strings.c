/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/json-strings.h"

#include "base/macro.h"

static char **string_of(const JsonString *entry, const void *record)
{
    return (char **)(void *)((char *)(uintptr_t)record + entry->offset);
}

void json_strings_free(const JsonString *table, size_t n, const void *record)
{
    for (size_t i = 0; i < n; i++)
        free(*string_of(&table[i], record));
}

int json_strings_pack(const JsonString *table, size_t n, const void *record, json_t *object)
{
    for (size_t i = 0; i < n; i++) {
        const char *value = *string_of(&table[i], record);

        if (value && json_object_set_new(object, table[i].name, json_string(value)) < 0)
            return -ENOMEM;
    }
    return 0;
}

int json_strings_unpack(const JsonString *table, size_t n, const json_t *object, void *record)
{
    for (size_t i = 0; i < n; i++) {
        const char *value = json_string_value(json_object_get(object, table[i].name));
        char **string = string_of(&table[i], record);

        if (!value && !table[i].optional)
            return -EBADMSG;
        *string = value ? strdup(value) : NULL;
        if (value && !*string)
            return -ENOMEM;
    }
    return 0;
}

int json_strings_find(const char *const *words, size_t n, const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    for (size_t i = 0; value && i < n; i++)
        if (streq(words[i], value))
            return (int)i;
    return -EBADMSG;
}
