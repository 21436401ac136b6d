/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/https/link.h"

#include <strings.h>

#include "libacme/https/url.h"
#include "strings/strv.h"

#define BLANKS " \t"

/* A part of the header. */
typedef struct Span {
    const char *start;
    size_t length;
} Span;

static bool span_is(Span span, const char *word)
{
    return span.length == strlen(word) && strncasecmp(span.start, word, span.length) == 0;
}

/* Whether @word is one of the blank-separated words. */
static bool span_has_word(Span span, const char *word)
{
    const char *at = span.start, *end = span.start + span.length;

    while (at < end) {
        Span next = { at, 0 };

        while (at < end && !strchr(BLANKS, *at))
            at++;
        next.length = (size_t)(at - next.start);
        if (span_is(next, word))
            return true;
        at++;
    }
    return false;
}

/* Takes the text before the first of these bytes, or the rest. */
static Span take_until(const char **at, const char *stop)
{
    Span span = { *at, strcspn(*at, stop) };

    *at += span.length;
    return span;
}

/* Takes the text between an opening mark, which is next, and the closing one. Neither URLs nor
 * relations contain escapes. */
static Span take_between(const char **at, const char *closing)
{
    Span span;

    (*at)++;
    span = take_until(at, closing);
    if (**at)
        (*at)++;
    return span;
}

static bool take_parameter(const char **at, Span *ret_name, Span *ret_value)
{
    *at += strspn(*at, BLANKS);
    if (**at != ';')
        return false;
    *at += 1 + strspn(*at + 1, BLANKS);
    *ret_name = take_until(at, BLANKS "=;,");
    *at += strspn(*at, BLANKS);
    *ret_value = (Span){ *at, 0 };
    if (**at != '=')
        return true;
    *at += 1 + strspn(*at + 1, BLANKS);
    *ret_value = **at == '"' ? take_between(at, "\"") : take_until(at, BLANKS ";,");
    return true;
}

/* A target without a meaning is left out. */
static int add_url(Span target, const char *base, char ***urls)
{
    _cleanup_free_ char *copy = strndup(target.start, target.length);
    _cleanup_free_ char *url = copy ? url_resolve(base, copy) : NULL;

    if (!copy)
        return -ENOMEM;
    return url ? strv_extend(urls, url) : 0;
}

int link_add_targets(const char *header, const LinkWish *wish, char ***urls)
{
    const char *at = header + strspn(header, BLANKS ",");

    while (*at == '<' && strv_length(*urls) < wish->max) {
        Span target = take_between(&at, ">"), name, value;
        bool is_wanted = false;
        int r;

        while (take_parameter(&at, &name, &value))
            is_wanted |= span_is(name, "rel") && span_has_word(value, wish->relation);
        r = is_wanted ? add_url(target, wish->base, urls) : 0;
        if (r < 0)
            return r;
        at += strspn(at, BLANKS ",");
    }
    return 0;
}
