/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/chunked.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"

/* Far above every max-size. One more digit cannot overflow. */
#define SIZE_LIMIT (UINT64_C(1) << 56)

enum {
    SIZE_FIRST, /* the first digit */
    SIZE,       /* further ones */
    BLANK,      /* before an extension */
    EXTENSION,
    SIZE_END, /* LF */
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_FIRST, /* a line begins: a trailer, or the empty line */
    TRAILER,
    TRAILER_LF,
    END_LF,
    END,
};

static int digit(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    int i = at ? (int)(at - digits) : -1;

    return i < 16 ? i : i - 6;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A character of a field or an extension (RFC 9110 §5.5). */
static bool is_text(char c)
{
    return is_blank(c) || ((unsigned char)c > ' ' && c != 0x7f);
}

static int add_digit(Chunked *chunked, char c)
{
    int value = digit(c);

    if (value < 0 || chunked->left >= SIZE_LIMIT)
        return -EBADMSG;
    chunked->left = chunked->left * 16 + (unsigned)value;
    return SIZE;
}

static int after_size(char c)
{
    if (c == ';')
        return EXTENSION;
    if (c == '\r')
        return SIZE_END;
    return is_blank(c) ? BLANK : -EBADMSG;
}

static int after_trailer_line(char c)
{
    if (c == '\r')
        return TRAILER_LF;
    return is_text(c) ? TRAILER : -EBADMSG;
}

/* The state after one byte that is no data; -EBADMSG. */
static int next(Chunked *chunked, char c)
{
    switch (chunked->state) {
    case SIZE_FIRST:
        chunked->left = 0;
        return add_digit(chunked, c);
    case SIZE:
        return digit(c) >= 0 ? add_digit(chunked, c) : after_size(c);
    case BLANK: /* RFC 9112 §7.1.1: blanks only before a semicolon */
        if (is_blank(c))
            return BLANK;
        return c == ';' ? EXTENSION : -EBADMSG;
    case EXTENSION:
        if (c == '\r')
            return SIZE_END;
        return is_text(c) ? EXTENSION : -EBADMSG;
    case SIZE_END:
        chunked->line = 0;
        if (c != '\n')
            return -EBADMSG;
        return chunked->left > 0 ? DATA : TRAILER_FIRST;
    case DATA_CR:
        return c == '\r' ? DATA_LF : -EBADMSG;
    case DATA_LF:
        return c == '\n' ? SIZE_FIRST : -EBADMSG;
    case TRAILER_FIRST:
        if (c == '\r')
            return END_LF;
        return is_text(c) && !is_blank(c) ? TRAILER : -EBADMSG;
    case TRAILER:
        return after_trailer_line(c);
    case TRAILER_LF:
        return c == '\n' ? TRAILER_FIRST : -EBADMSG;
    case END_LF:
        return c == '\n' ? END : -EBADMSG;
    default:
        return -EBADMSG;
    }
}

static size_t line_max(const Chunked *chunked)
{
    return chunked->state < DATA ? CHUNKED_LINE_MAX : CHUNKED_TRAILER_MAX;
}

static int take_byte(Chunked *chunked, char c)
{
    int state;

    if (++chunked->line > line_max(chunked))
        return -EBADMSG;
    state = next(chunked, c);
    if (state < 0)
        return state;
    chunked->state = (unsigned)state;
    return 0;
}

int chunked_read(Chunked *chunked, const char *in, size_t size, char *out, size_t room,
                 size_t *used, size_t *ret)
{
    size_t i = 0;
    int r = 0;

    while (r >= 0 && i < size && chunked->state != END) {
        size_t n = chunked->left < size - i ? (size_t)chunked->left : size - i;

        if (chunked->state != DATA) {
            r = take_byte(chunked, in[i++]);
            continue;
        }
        if (chunked->left > room - *used) {
            r = -EMSGSIZE;
            break;
        }
        memcpy(out + *used, in + i, n);
        *used += n;
        i += n;
        chunked->left -= n;
        if (chunked->left == 0)
            chunked->state = DATA_CR;
        chunked->line = 0;
    }
    *ret = i;
    return r < 0 ? r : chunked->state == END;
}
