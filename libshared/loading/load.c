/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/load.h"

#include <fcntl.h>
#include <stdio.h>
#include <syslog.h>

#include "base/directory.h"
#include "base/io.h"
#include "loading/check.h"
#include "loading/dropins.h"
#include "loading/ini.h"
#include "loading/keys.h"
#include "loading/values/loader.h"
#include "strings/strv.h"

#define WORD_MAX 32

/* Every kind of block begins with the members of Block. */
#define ASSERT_BLOCK(type)                                                                         \
    static_assert(offsetof(type, name) == offsetof(Block, name) &&                                 \
                      offsetof(type, file) == offsetof(Block, file) &&                             \
                      offsetof(type, line) == offsetof(Block, line),                               \
                  #type)
ASSERT_BLOCK(AccountBlock);
ASSERT_BLOCK(Verification);
ASSERT_BLOCK(Storage);
ASSERT_BLOCK(AuthBlock);

/* Findings */

static int compare_findings(const void *a, const void *b)
{
    const Finding *x = a, *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->place.line != y->place.line)
        return x->place.line < y->place.line ? -1 : 1;
    return strcmp(x->text, y->text);
}

/* Sorts first: blocks are checked at their end and references after all files, but findings are
 * told in the order of the lines. */
static void tell_findings(Loader *l, config_message_cb message, void *userdata)
{
    if (l->n_findings > 0)
        qsort(l->findings, l->n_findings, sizeof(*l->findings), compare_findings);
    for (size_t i = 0; message && i < l->n_findings; i++)
        message(l->findings[i].level, l->findings[i].place.file, l->findings[i].place.line,
                l->findings[i].text, userdata);
}

/* Words */

/* Levenshtein distance; WORD_MAX for words that are too long to compare. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX], length = strlen(b);

    if (length >= WORD_MAX || strlen(a) >= WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t best = diagonal + (a[i] != b[j]);

            diagonal = row[j + 1];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j + 1] + 1 < best)
                best = row[j + 1] + 1;
            row[j + 1] = best;
        }
    }
    return row[length];
}

/* Remembers @known in *best if it is close to @word, and closer than the previous one. */
static void consider(const char *word, const char *known, const char **best, size_t *best_distance)
{
    size_t d = distance(word, known);

    if (d <= 2 && 2 * d <= strlen(known) && d < *best_distance) {
        *best = known;
        *best_distance = d;
    }
}

/* Keys */

static int unknown_key(Loader *l, const char *name)
{
    const Section *section = l->section;
    size_t best_distance = SIZE_MAX;
    const char *best = NULL;
    int level = section->unknown_key;
    /* Quotes only the first word: in "hmac_key: c2VjcmV0=" the name up to the = contains a secret.
     */
    int word = (int)strcspn(name, " \t:");

    if (word > 40)
        word = 40;
    /* A key in the place of the type is an error. */
    if (section->types && l->type == TYPE_MISSING) {
        l->type = TYPE_UNKNOWN;
        level = LOG_ERR;
    }
    for (size_t i = 0; i < section->n_keys; i++)
        consider(name, section->keys[i].name, &best, &best_distance);
    if (best)
        return config_report(l, level, l->here, "unknown key '%.*s' in %s; did you mean '%s'?",
                             word, name, config_title(l), best);
    return config_report(
        l, level, l->here, "unknown key '%.*s' in %s; %s", word, name, config_title(l),
        level == LOG_ERR ? "delete the line, or see acmems.ini(5)" : "the line is ignored");
}

/* Whether the key belongs to a block of this type: 1; 0: it is ignored; -ENOMEM. */
static int check_type(Loader *l, const ConfigKey *key)
{
    if (!l->section->types || streq(key->name, "type"))
        return 1;
    if (l->type == TYPE_UNKNOWN)
        return 0;
    if (l->type == TYPE_MISSING) {
        l->type = TYPE_UNKNOWN;
        return refuse(l, "type must come first in %s; move it before '%s'", config_title(l),
                      key->name);
    }
    if (key->types && !(key->types & (1U << l->type)))
        return config_report(l, l->section->unknown_key, l->here,
                             "'%s' is not a key of type %s in %s; delete the line", key->name,
                             l->section->types[l->type], config_title(l));
    return 1;
}

/* A # or ; with a blank before it, as before a comment. */
static const char *find_comment(const char *value)
{
    for (const char *at = value; (at = strpbrk(at, "#;")); at++)
        if (at > value && strchr(" \t", at[-1]))
            return at;
    return NULL;
}

/* Other programs remove quotes and comments from a value. The value may be a secret: not quoted. */
static int check_punctuation(Loader *l, const ConfigKey *key, const char *value)
{
    size_t length = strlen(value);
    const char *comment = find_comment(value);
    bool is_quoted = length > 1 && strchr("\"'", *value) && value[length - 1] == *value;

    l->is_told = is_quoted || comment;
    if (is_quoted)
        return warn(l, "the quotes are part of the value of %s; delete them", key->name);
    if (!comment)
        return 0;
    return warn(l,
                "'%c' and the text after it are part of the value of %s; write a comment in a line "
                "of its own",
                *comment, key->name);
}

static int take_key(Loader *l, const char *name, const char *value)
{
    const ConfigKey *key = config_find_key(l->section, name);
    Place *seen;
    int r;

    if (!key)
        return unknown_key(l, name);
    r = check_type(l, key);
    if (r <= 0)
        return r;
    seen = &l->seen[l->section - l->sections][key - l->section->keys];
    if (seen->file && !key->repeated)
        return refuse(l, "%s is already set in %s:%u; delete one of the two", key->name, seen->file,
                      seen->line);
    r = check_punctuation(l, key, value);
    if (r >= 0)
        r = key->parse(l, key, value, l->object);
    if (!seen->file)
        *seen = l->here;
    return r;
}

/* Sections */

/* A word may be used for settings without a name and for named blocks, such as [account]. */
static const Section *find_section(const Loader *l, const char *word, bool is_named)
{
    const Section *found = NULL;

    for (size_t i = 0; i < SECTION_MAX; i++) {
        const Section *section = &l->sections[i];

        if (streq(section->word, word) && (!found || (section->block_size > 0) == is_named))
            found = section;
    }
    return found;
}

/* A misspelt [account] would leave its settings at their defaults, so it is an error. Other
 * programs may have sections of their own in the file. */
static int unknown_section(Loader *l, const char *word)
{
    size_t best_distance = SIZE_MAX;
    const char *best = NULL;

    for (size_t i = 0; i < SECTION_MAX; i++)
        consider(word, l->sections[i].word, &best, &best_distance);
    if (best)
        return refuse(l, "unknown section [%.40s]; did you mean [%s]?", word, best);
    return warn(l, "unknown section [%.40s] is ignored", word);
}

static int finish_section(Loader *l)
{
    int r = l->section && l->section->finish ? l->section->finish(l) : 0;

    l->section = NULL;
    return r;
}

static int open_block(Loader *l, const Section *section, const char *name)
{
    size_t id = (size_t)(section - l->sections);
    Block *block;
    int r;

    if (!name)
        return refuse(l, "[%s] has no name; write [%s \"name\"]", section->word, section->word);
    r = config_add_block(l, section, name, l->here, &block);
    if (r < 0)
        return r;
    l->name = block->name;
    memset(l->seen[id], 0, sizeof(l->seen[id]));
    l->header = l->here;
    l->type = TYPE_MISSING;
    l->object = block;
    l->section = section;
    return 0;
}

/* The object that the section's keys set: the Config, or the first block of its list, which is in
 * no file until now. */
static void *settings_object(Loader *l, const Section *section)
{
    Block *const *const *list = (void *)((char *)l->config + section->list);
    Block *block;

    if (!section->list)
        return l->config;
    block = **list;
    if (block->line == 0) {
        block->file = l->here.file;
        block->line = l->here.line;
    }
    return block;
}

static int open_settings(Loader *l, const Section *section, const char *name)
{
    Place *opened = &l->opened[section - l->sections];
    int r = 0;

    if (name)
        r = refuse(l, "[%s] takes no name; write only [%s]", section->word, section->word);
    else if (opened->file == l->here.file)
        r = refuse(l, "[%s] is already defined in %s:%u; move the keys there", section->word,
                   opened->file, opened->line);
    if (r < 0)
        return r;
    *opened = l->here;
    l->name = NULL;
    l->object = settings_object(l, section);
    l->section = section;
    return 0;
}

static int take_section(Loader *l, const char *word, const char *name)
{
    const Section *section = find_section(l, word, name);
    int r = finish_section(l);

    if (r < 0)
        return r;
    if (!section)
        return unknown_section(l, word);
    if (!section->keys)
        return warn(l, "[%s] is obsolete and ignored; delete it", section->word);
    return section->block_size > 0 ? open_block(l, section, name) : open_settings(l, section, name);
}

static int on_item(const IniItem *item, void *userdata)
{
    Loader *l = userdata;

    l->here.line = item->line;
    if (!item->key)
        return take_section(l, item->section, item->name);
    if (!item->section)
        return refuse(l, "'%.40s' is outside of any section; write a [section] header above it",
                      item->key);
    return l->section ? take_key(l, item->key, item->value) : 0;
}

static void on_error(unsigned line, const char *text, void *userdata)
{
    Loader *l = userdata;

    l->here.line = line;
    l->refused = true;
    l->unread = true;
    (void)refuse(l, "%s", text); /* out of memory: the configuration is refused anyway */
}

/* Files */

static int unreadable(Loader *l, int error)
{
    l->here.line = 0;
    l->unread = true;
    if (error == -ENOMEM)
        return error;
    if (error == -EFBIG)
        return refuse(l, "the file is larger than %zu MiB", INI_FILE_SIZE_MAX / (1024 * 1024));
    if (error == -EBADF)
        return refuse(l, "not a regular file");
    if (error == -E2BIG)
        return refuse(l, "the directory contains more than %u files that end in .ini",
                      CONFIG_DROPINS_MAX);
    return refuse(l, "cannot be read: %s", strerror(-error));
}

static int register_file(Loader *l, const char *path)
{
    Config *config = l->config;
    int r = strv_extend(&config->files, path);

    if (r < 0)
        return r;
    l->here = (Place){ .file = config->files[config->n_files++] };
    return 0;
}

/* @ret_error: why the file could not be read; the caller decides what to do then */
static int load_file(Loader *l, const char *path, int *ret_error)
{
    _cleanup_free_ char *content = NULL;
    size_t size;
    int r = register_file(l, path);

    if (r < 0)
        return r;
    *ret_error = read_file_at(AT_FDCWD, path, INI_FILE_SIZE_MAX, &content, &size);
    if (*ret_error < 0)
        return unreadable(l, *ret_error);
    r = ini_parse(content, size, on_item, on_error, l);
    explicit_bzero(content, size); /* contains secrets */
    if (r < 0 && r != -EINVAL)
        return r;
    return finish_section(l);
}

static int load_dropins(Loader *l, const char *path)
{
    _cleanup_free_ char *directory = config_dropin_directory(path);
    _cleanup_strv_ char **files = NULL;
    int r, error;

    if (!directory)
        return -ENOMEM;
    error = config_list_dropins(directory, &files);
    if (error < 0) {
        r = register_file(l, directory);
        return r < 0 ? r : unreadable(l, error);
    }
    STRV_FOREACH (file, files) {
        r = load_file(l, *file, &error);
        if (r < 0)
            return r;
    }
    return 0;
}

static int config_read(Loader *l, const char *path)
{
    Config *config = l->config;
    Block *account;
    int r, error;

    config->log_level = LOG_INFO;
    config->max_size = CONFIG_MAX_SIZE_DEFAULT;
    config->path = strdup(path);
    if (!config->path)
        return -ENOMEM;
    r = config_add_block(l, &l->sections[SECTION_NAMED_ACCOUNT], "", (Place){ config->path, 0 },
                         &account);
    if (r < 0)
        return r;
    r = load_file(l, path, &error);
    if (r < 0)
        return r;
    if (error < 0)
        return error;
    r = load_dropins(l, path);
    if (r < 0)
        return r;
    return config_finish(l);
}

static void loader_done(Loader *l)
{
    for (size_t i = 0; i < l->n_findings; i++)
        free(l->findings[i].text);
    free(l->findings);
    for (size_t i = 0; i < l->n_references; i++)
        free(l->references[i].name);
    free(l->references);
    config_unref(l->config);
}

static int load_and_tell(const char *path, bool refusable, config_message_cb message,
                         void *userdata, Config **ret)
{
    _cleanup_(loader_done) Loader loader = {
        .sections = config_sections,
        .config = calloc(1, sizeof(Config)),
    };
    int r;

    if (!loader.config)
        return -ENOMEM;
    loader.config->n_ref = 1;
    r = config_read(&loader, path);
    if (r == -ENOMEM)
        return r;
    tell_findings(&loader, message, userdata);
    if (r < 0)
        return r;
    if (refusable && loader.refused)
        return -EINVAL;
    *ret = TAKE_PTR(loader.config);
    return 0;
}

int config_load(const char *path, config_message_cb message, void *userdata, Config **ret)
{
    return load_and_tell(path, true, message, userdata, ret);
}

int config_load_sound(const char *path, config_message_cb message, void *userdata, Config **ret)
{
    return load_and_tell(path, false, message, userdata, ret);
}
