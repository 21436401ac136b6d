/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/ini.h"

#include <stdbool.h>

#include "base/macro.h"
#include "strings/text.h"

#define BLANKS "\t\v\f\r "

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

typedef struct Parser {
    ini_item_cb on_item;
    ini_error_cb on_error;
    void *userdata;
    unsigned line;
    const char *section; /* points into the content, which is modified */
    const char *name;
    bool lost;   /* after a malformed header: the keys belong to an unknown section */
    bool failed; /* on_error was called */
} Parser;

static void error(Parser *p, const char *text)
{
    p->failed = true;
    p->on_error(p->line, text, p->userdata);
}

/* Removes the blanks at both ends of [start, end), in place. */
static char *strip(char *start, char *end)
{
    while (start < end && is_blank(*start))
        start++;
    while (end > start && is_blank(end[-1]))
        end--;
    *end = '\0';
    return start;
}

static const char *header_error(Parser *p, const char *text)
{
    p->lost = true;
    error(p, text);
    return NULL;
}

/* Returns the section's word, NULL after an error. */
static const char *split_header(Parser *p, char *line, const char **ret_name)
{
    char *end = line + strlen(line) - 1, *word, *name;

    if (end == line || *end != ']')
        return header_error(p, "the section header is not closed; write [section] or [section "
                               "\"name\"] and nothing after it");
    word = strip(line + 1, end);
    end = word + strlen(word);
    if (word == end)
        return header_error(p,
                            "the section header is empty; write [section] or [section \"name\"]");
    name = word + strcspn(word, BLANKS);
    if (name == end) {
        *ret_name = NULL;
        return word;
    }
    *name = '\0';
    name = strip(name + 1, end);
    end = name + strlen(name);
    if (name[0] == '"') {
        if (end - name < 2 || end[-1] != '"')
            return header_error(p, "the block name has no closing quote; write [section \"name\"]");
        end[-1] = '\0';
        name++;
    }
    if (!*name || strchr(name, '"'))
        return header_error(
            p, "the block name is empty or contains a quote; write [section \"name\"]");
    if (!text_is_utf8(name))
        return header_error(p, "the block name is not UTF-8; save the file as UTF-8");
    *ret_name = name;
    return word;
}

static int take_header(Parser *p, char *line)
{
    const char *name, *word = split_header(p, line, &name);

    if (!word)
        return 0;
    p->lost = false;
    p->section = word;
    p->name = name;
    return p->on_item(&(IniItem){ .line = p->line, .section = word, .name = name }, p->userdata);
}

static int take_key(Parser *p, char *line)
{
    IniItem item = { .line = p->line, .section = p->section, .name = p->name };
    char *end = line + strlen(line), *equals = strchr(line, '=');

    if (!equals) {
        error(p, "the line has no '='; write key = value, or # before a comment");
        return 0;
    }
    if (p->lost)
        return 0;
    item.value = strip(equals + 1, end);
    item.key = strip(line, equals);
    if (!*item.key) {
        error(p, "there is no key before '='; write key = value");
        return 0;
    }
    return p->on_item(&item, p->userdata);
}

static int take_line(Parser *p, char *start, char *end)
{
    char *line;

    if (memchr(start, '\0', (size_t)(end - start))) {
        error(p, "the line contains a NUL byte; save the file as plain text (UTF-8)");
        return 0;
    }
    line = strip(start, end);
    if (*line == '#' || *line == ';' || *line == '\0')
        return 0;
    return *line == '[' ? take_header(p, line) : take_key(p, line);
}

int ini_parse(char *content, size_t size, ini_item_cb on_item, ini_error_cb on_error,
              void *userdata)
{
    Parser parser = { .on_item = on_item, .on_error = on_error, .userdata = userdata };
    char *next, *end = content + size;
    int r;

    if (text_is_utf16(content, size)) {
        parser.line = 1;
        error(&parser, "the file is in UTF-16; save it as UTF-8");
        return -EINVAL;
    }
    next = content + text_mark_size(content, size);
    for (char *start = next; start < end; start = next + 1) {
        next = memchr(start, '\n', (size_t)(end - start));
        if (!next)
            next = end;
        parser.line++;
        r = take_line(&parser, start, next);
        if (r != 0)
            return r;
    }
    return parser.failed ? -EINVAL : 0;
}
