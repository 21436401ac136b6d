/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/text.h"

#include <ctype.h>

#define MARK "\xef\xbb\xbf"

size_t text_mark_size(const char *text, size_t size)
{
    return size >= STRLEN(MARK) && memcmp(text, MARK, STRLEN(MARK)) == 0 ? STRLEN(MARK) : 0;
}

bool text_is_utf16(const char *text, size_t size)
{
    return size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0 ||
                         !text[0] != !text[1]);
}

/* Lead bytes by the length of their characters. Some limit the range of the second byte, to exclude
 * code points that are too small, surrogates, too large, or control characters (RFC 3629 §4). */
static const struct Lead {
    uint8_t from, to;
    uint8_t second_from, second_to;
    size_t length;
} leads[] = {
    { 0x20, 0x7e, 0, 0, 1 },       { 0xc2, 0xc2, 0xa0, 0xbf, 2 }, { 0xc3, 0xdf, 0x80, 0xbf, 2 },
    { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
    { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
    { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

static const struct Lead *find_lead(unsigned char byte)
{
    for (size_t i = 0; i < ELEMENTSOF(leads); i++)
        if (byte >= leads[i].from && byte <= leads[i].to)
            return &leads[i];
    return NULL;
}

/* Bytes of the printable character that starts here; 0: there is none. */
static size_t character_length(const unsigned char *p)
{
    const struct Lead *lead = find_lead(*p);

    if (!lead)
        return 0;
    if (lead->length > 1 && (p[1] < lead->second_from || p[1] > lead->second_to))
        return 0;
    for (size_t i = 2; i < lead->length; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return lead->length;
}

bool text_is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    while (*p) {
        size_t length = *p < 0x80 ? 1 : character_length(p);

        if (length == 0)
            return false;
        p += length;
    }
    return true;
}

void text_flatten(char *text)
{
    unsigned char *p = (unsigned char *)text;

    while (*p) {
        size_t length = character_length(p);

        if (length == 0)
            *p = iscntrl(*p) ? ' ' : '?';
        p += length > 0 ? length : 1;
    }
}

void text_vprint(FILE *stream, const char *format, va_list arguments)
{
    _cleanup_free_ char *text = NULL;

    if (vasprintf(&text, format, arguments) < 0) {
        text = NULL;
        return;
    }
    text_flatten(text);
    (void)fputs(text, stream);
}

void text_print(FILE *stream, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_vprint(stream, format, arguments);
    va_end(arguments);
}

void text_print_line(FILE *stream, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_vprint(stream, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stream);
}
