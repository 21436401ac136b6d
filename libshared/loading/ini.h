/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The INI dialect of macen, the Python server: whole-line # and ; comments, blanks around lines,
 * keys and values removed, "key = value" split at the first =, sections [word] and [word "name"].
 * The only limit of a line is the size of the file. */

#include <stddef.h>

#define INI_FILE_SIZE_MAX ((size_t)16 * 1024 * 1024)

typedef struct IniItem {
    unsigned line;       /* from 1 */
    const char *section; /* "auth"; NULL before the first section */
    const char *name;    /* "mail" of [auth "mail"] or [auth mail]; NULL if there is none */
    const char *key;     /* NULL: the section header itself */
    const char *value;   /* "" if empty; NULL if key is NULL */
} IniItem;

/* Called for each header and each key. The strings are valid until it returns. A result other than
 * 0 stops the parser. */
typedef int (*ini_item_cb)(const IniItem *item, void *userdata);

/* Called for each syntax error: a line without =, an unclosed [. @text says what is wrong and what
 * to do. The parser continues with the next line, so one run shows all errors. */
typedef void (*ini_error_cb)(unsigned line, const char *text, void *userdata);

/* Parses @size bytes of content, which it modifies; one more byte must be writable. NUL bytes are
 * an error. Returns 0; -EINVAL if @on_error was called; or the result of @on_item. */
int ini_parse(char *content, size_t size, ini_item_cb on_item, ini_error_cb on_error,
              void *userdata);
