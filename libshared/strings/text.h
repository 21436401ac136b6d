/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/macro.h"

/* Makes text from outside safe for a terminal and the journal. */

/* Whether it is UTF-8, without the control characters U+0080 to U+009F. Nothing else can be a
 * string of JSON. */
bool text_is_utf8(const char *text);

/* Returns the bytes of the UTF-8 byte order mark at the beginning, which some editors write; 0:
 * there is none. */
size_t text_mark_size(const char *text, size_t size);

/* Whether it is UTF-16: by its byte order mark, or because one of its first two bytes is NUL. */
bool text_is_utf16(const char *text, size_t size);

/* In place: control characters become blanks, and bytes that are not UTF-8 become question marks.
 */
void text_flatten(char *text);

/* Print to @stream, flattened. The second adds a newline. Errors of @stream are left to its owner.
 */
void text_print(FILE *stream, const char *format, ...) _printf_(2, 3);
void text_print_line(FILE *stream, const char *format, ...) _printf_(2, 3);
void text_vprint(FILE *stream, const char *format, va_list arguments) _printf_(2, 0);
