/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/values/references.h"

#include <syslog.h>

static const char *referred_word(const Loader *l, size_t names)
{
    size_t i = 0;

    while (l->sections[i].block_size == 0 || l->sections[i].names != names)
        i++;
    return l->sections[i].word;
}

/* Notes the reference: the block is looked up when all files are read. */
static int refer(Loader *l, const ConfigKey *key, const char *name, size_t length,
                 const void **target)
{
    Reference *grown, reference = {
        .target = target,
        .names = key->names,
        .word = referred_word(l, key->names),
        .place = l->here,
        .is_default = l->object == l->config,
        .name = strndup(name, length),
    };

    if (!reference.name)
        return -ENOMEM;
    grown = config_grow(l->references, l->n_references, sizeof(*grown));
    if (!grown) {
        free(reference.name);
        return -ENOMEM;
    }
    grown[l->n_references++] = reference;
    l->references = grown;
    return 0;
}

static int refuse_empty_reference(Loader *l, const ConfigKey *key)
{
    return refuse(
        l, "%s has an empty name; write the name of a block, or delete the line to use the default",
        key->name);
}

int config_parse_reference(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    return *value ? refer(l, key, value, strlen(value), config_target(key, object))
                  : refuse_empty_reference(l, key);
}

int config_parse_default(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    return *value ? refer(l, key, value, strlen(value), config_target(key, object)) : 0;
}

/* The first name of a list, without the blanks around it. Advances *value past its comma; NULL at
 * the end of the list. */
static const char *next_name(const char **value, size_t *length)
{
    const char *end = strchrnul(*value, ','), *name = *value + strspn(*value, " \t");

    *value = *end ? end + 1 : NULL;
    while (end > name && strchr(" \t", end[-1]))
        end--;
    *length = end > name ? (size_t)(end - name) : 0;
    return name;
}

/* Whether one of the last @n references has this name. */
static bool is_referred(const Loader *l, size_t n, const char *name, size_t length)
{
    for (size_t i = l->n_references - n; i < l->n_references; i++)
        if (strncmp(l->references[i].name, name, length) == 0 && !l->references[i].name[length])
            return true;
    return false;
}

/* NAME[, NAME…] */
int config_parse_references(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    const void ***list = config_target(key, object);
    size_t *n = config_target_count(key, object), count = 0, length;

    for (const char *rest = value; rest; count++) {
        (void)next_name(&rest, &length);
        if (length == 0)
            return refuse_empty_reference(l, key);
    }
    *list = calloc(count, sizeof(**list));
    if (!*list)
        return -ENOMEM;
    while (value) {
        const char *name = next_name(&value, &length);
        int r;

        if (is_referred(l, *n, name, length)) {
            r = refuse(l, "%s names '%.*s' twice; delete one of the two", key->name,
                       length < QUOTED_MAX ? (int)length : QUOTED_MAX, name);
        } else {
            r = refer(l, key, name, length, &(*list)[*n]);
            (*n)++;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* An empty value means no block. */
int config_parse_defaults(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    return *value ? config_parse_references(l, key, value, object) : 0;
}

static int resolve(Loader *l, const Reference *reference)
{
    void *const *names = (void *const *)(void *)((char *)l->config + reference->names);

    *reference->target = config_find_block(names, reference->name);
    if (*reference->target)
        return 0;
    return config_report(l, LOG_ERR, reference->place,
                         "there is no [%s \"%.64s\"]; define it, or name another", reference->word,
                         reference->name);
}

int config_resolve(Loader *l, bool defaults)
{
    for (size_t i = 0; i < l->n_references; i++) {
        const Reference *reference = &l->references[i];
        int r = reference->is_default == defaults ? resolve(l, reference) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

bool config_is_unresolved(const Loader *l)
{
    for (size_t i = 0; i < l->n_references; i++)
        if (!*l->references[i].target)
            return true;
    return false;
}
