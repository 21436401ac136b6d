/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The INI dialect of the Python acme-mgmtserver: whole-line # and ; comments, blanks around lines,
 * keys and values dropped, "key = value" split at the first =, sections [word] and [word "name"].
 * No line has a limit but the file's own. */

#include <stddef.h>

#define INI_FILE_SIZE_MAX ((size_t)16 * 1024 * 1024)

typedef struct IniItem {
    unsigned line;       /* from 1 */
    const char *section; /* "auth"; NULL before the first section */
    const char *name;    /* "mail" of [auth "mail"] or [auth mail]; NULL where there is none */
    const char *key;     /* NULL: the section header itself */
    const char *value;   /* "" when empty; NULL with a NULL key */
} IniItem;

/* Called for each header and each key. Strings live until it returns. Not 0 stops the parser. */
typedef int (*ini_item_cb)(const IniItem *item, void *userdata);

/* Called for what is not INI: a line without =, an unclosed [. @text says what and what to do. The
 * parser goes on with the next line, so that one run shows all mistakes. */
typedef void (*ini_error_cb)(unsigned line, const char *text, void *userdata);

/* Takes content of @size bytes (NUL bytes are an error) and one more that can be written to, and
 * cuts it up in place. 0; -EINVAL when @on_error was called; or what @on_item returned. */
int ini_parse(char *content, size_t size, ini_item_cb on_item, ini_error_cb on_error,
              void *userdata);
