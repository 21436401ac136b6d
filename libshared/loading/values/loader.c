/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/values/loader.h"

#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

void *config_grow(void *array, size_t n, size_t size)
{
    if (n & (n - 1)) /* neither 0 nor a power of two: there is room left */
        return array;
    return reallocarray(array, n > 0 ? 2 * n : 1, size);
}

void *config_target(const ConfigKey *key, void *object)
{
    return (char *)object + key->offset;
}

size_t *config_target_count(const ConfigKey *key, void *object)
{
    return (size_t *)(void *)((char *)object + key->count);
}

static size_t file_rank(const Config *config, const char *file)
{
    size_t i = 0;

    while (i < config->n_files && config->files[i] != file)
        i++;
    return i;
}

int config_report(Loader *l, int level, Place place, const char *format, ...)
{
    Finding *grown, finding = { .level = level, .place = place };
    va_list args;
    int r;

    if (level == LOG_ERR)
        l->refused = true;
    if (l->n_findings >= CONFIG_FINDINGS_MAX)
        return 0;
    finding.rank = file_rank(l->config, place.file);
    va_start(args, format);
    r = vasprintf(&finding.text, format, args);
    va_end(args);
    if (r < 0)
        return -ENOMEM;
    grown = config_grow(l->findings, l->n_findings, sizeof(*grown));
    if (!grown) {
        free(finding.text);
        return -ENOMEM;
    }
    grown[l->n_findings++] = finding;
    l->findings = grown;
    return 0;
}

const char *config_title(Loader *l)
{
    if (l->name)
        (void)snprintf(l->title, sizeof(l->title), "[%s \"%.64s\"]", l->section->word, l->name);
    else
        (void)snprintf(l->title, sizeof(l->title), "[%s]", l->section->word);
    return l->title;
}

static bool key_equal(const char *a, const char *b)
{
    if (*a != *b) /* no name begins with one of the two */
        return false;
    for (; *a && *b; a++, b++)
        if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
            return false;
    return *a == *b;
}

const ConfigKey *config_find_key(const Section *section, const char *name)
{
    for (size_t i = 0; i < section->n_keys; i++) {
        const ConfigKey *key = &section->keys[i];

        if (key_equal(key->name, name) || (key->alias && key_equal(key->alias, name)))
            return key;
    }
    return NULL;
}

const Place *config_seen(const Loader *l, SectionId section, const char *name)
{
    const ConfigKey *key = config_find_key(&l->sections[section], name);

    return &l->seen[section][key - l->sections[section].keys];
}

int config_add_block(Loader *l, const Section *section, const char *name, Place place, Block **ret)
{
    void ***list = (void ***)(void *)((char *)l->config + section->list), **grown;
    size_t *n = (size_t *)(void *)((char *)l->config + section->count);
    void **names = (void **)(void *)((char *)l->config + section->names);
    Block *block, **known;

    grown = config_grow(*list, *n, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    *list = grown;
    block = calloc(1, section->block_size);
    if (!block)
        return -ENOMEM;
    grown[(*n)++] = block;
    block->file = place.file;
    block->line = place.line;
    block->name = strdup(name);
    if (!block->name)
        return -ENOMEM;

    known = tsearch(block, names, config_compare_blocks);
    if (!known)
        return -ENOMEM;
    *ret = block;
    if (*known == block)
        return 0;
    return config_report(
        l, LOG_ERR, place,
        "[%s \"%.64s\"] is already defined in %s:%u; rename this block, or move its keys there",
        section->word, name, (*known)->file, (*known)->line);
}
