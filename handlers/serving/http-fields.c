/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/http-fields.h"

#include <string.h>
#include <strings.h>

#include "base/macro.h"

#ifdef HAVE_LLHTTP
#include <llhttp.h>
typedef llhttp_t Parser;
#else
#include <http_parser.h>
typedef http_parser Parser;
#endif

static const HttpRefusal many_lengths = {
    400, "The request has more than one Content-Length, or also a Transfer-Encoding. Send one "
         "Content-Length and no Transfer-Encoding."
};
static const HttpRefusal bad_length = {
    400,
    "The Content-Length is not a number, or is larger than any request may be. Send the size of "
    "the body in bytes, in decimal digits."
};
static const HttpRefusal many_fields = {
    431, "The request has too many header fields. Send at most 100."
};
static const HttpRefusal bad_field = { 400,
                                       "A header field is malformed. Send each field as 'Name: "
                                       "value' on one line, without control characters." };

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

bool http_is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_token_char(text[i]))
            return false;
    return length > 0;
}

/* True when each line begins with a token and a colon, no line is folded (RFC 9112 §5.1, §5.2), and
 * no value has a control character. The parsers accept more. */
static bool fields_are_plain(const char *fields, size_t size)
{
    const char *end = fields + size - STRLEN("\r\n");

    for (const char *line = fields, *next; line < end; line = next) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        const char *colon = lf ? memchr(line, ':', (size_t)(lf - line)) : NULL;

        if (!colon || !http_is_token(line, (size_t)(colon - line)))
            return false;
        for (const char *p = colon + 1; p < lf - 1; p++)
            if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
                return false;
        next = lf + 1;
    }
    return true;
}

/* The parser returns const pointers into the fields, which belong to this program. */
static char *own(const char *p)
{
    return (char *)p;
}

static int on_field(Parser *parser, const char *at, size_t length)
{
    HttpFields *fields = parser->data;

    if (fields->n < HTTP_FIELDS_MAX)
        fields->list[fields->n] =
            (HttpField){ .name = own(at), .name_length = length, .value = own(at) + length };
    fields->n++;
    return fields->n > HTTP_FIELDS_MAX ? -1 : 0;
}

static int on_value(Parser *parser, const char *at, size_t length)
{
    HttpFields *fields = parser->data;
    HttpField *field = &fields->list[fields->n - 1];

    /* An empty value is noticed only on the next line, so that @at points there. */
    if (length > 0)
        field->value = own(at);
    field->value_length = length;
    return 0;
}

static int on_complete(Parser *parser)
{
    HttpFields *fields = parser->data;

#ifdef HAVE_LLHTTP
    fields->keep_alive = llhttp_should_keep_alive(parser);
#else
    fields->keep_alive = http_should_keep_alive(parser);
#endif
    return 0;
}

/* Returns the parser's error. The request line that it gets is a plain one: the parsers disagree
 * about methods and targets, and both are read elsewhere. */
static int parse(unsigned minor, const char *data, size_t size, HttpFields *fields)
{
    static const char *const lines[] = { "GET / HTTP/1.0\r\n", "GET / HTTP/1.1\r\n" };
    const char *line = lines[minor > 0];
    Parser parser;

#ifdef HAVE_LLHTTP
    static const llhttp_settings_t settings = {
#else
    static const http_parser_settings settings = {
#endif
        .on_header_field = on_field,
        .on_header_value = on_value,
        .on_headers_complete = on_complete,
    };

#ifdef HAVE_LLHTTP
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    /* Else it would stop in the middle of the fields: http_request_read_fields() refuses these
     * later. */
    llhttp_set_lenient_chunked_length(&parser, 1);
    llhttp_set_lenient_transfer_encoding(&parser, 1);
    parser.data = fields;
    (void)llhttp_execute(&parser, line, strlen(line));
    return llhttp_execute(&parser, data, size);
#else
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = fields;
    (void)http_parser_execute(&parser, &settings, line, strlen(line));
    (void)http_parser_execute(&parser, &settings, data, size);
    return (int)HTTP_PARSER_ERRNO(&parser);
#endif
}

/* Writes into the fields: call it after the parser has finished. */
static void terminate(HttpFields *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        HttpField *field = &fields->list[i];
        char *end = field->value + field->value_length;

        while (end > field->value && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        *end = '\0';
        field->name[field->name_length] = '\0';
    }
}

/* Translates the parser's error into a sentence for the client. */
static const HttpRefusal *refusal_of(int error, const HttpFields *fields)
{
    switch (error) {
    case HPE_OK:
#ifdef HAVE_LLHTTP
    case HPE_PAUSED_UPGRADE:
#endif
    /* A transfer coding is judged later, whether or not it ends in chunked. */
    case HPE_INVALID_TRANSFER_ENCODING:
        return NULL;
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return &many_lengths;
    case HPE_INVALID_CONTENT_LENGTH:
        return &bad_length;
    default:
        return fields->n > HTTP_FIELDS_MAX ? &many_fields : &bad_field;
    }
}

const HttpRefusal *http_fields_read(unsigned minor, char *data, size_t size, HttpFields *ret)
{
    const HttpRefusal *refusal;

    ret->keep_alive = false;
    ret->n = 0;
    if (!fields_are_plain(data, size))
        return &bad_field;
    refusal = refusal_of(parse(minor, data, size, ret), ret);
    if (refusal)
        ret->n = 0;
    else
        terminate(ret);
    return refusal;
}

const char *http_fields_find(const HttpFields *fields, const char *name)
{
    for (size_t i = 0; i < fields->n; i++)
        if (strcasecmp(fields->list[i].name, name) == 0)
            return fields->list[i].value;
    return NULL;
}

unsigned http_fields_count(const HttpFields *fields, const char *name)
{
    unsigned n = 0;

    for (size_t i = 0; i < fields->n; i++)
        if (strcasecmp(fields->list[i].name, name) == 0)
            n++;
    return n;
}

int http_fields_members(const HttpFields *fields, const char *name, const char *member)
{
    size_t length = strlen(member);
    int count = 0;

    for (size_t i = 0; i < fields->n; i++) {
        const char *p = fields->list[i].value;

        if (strcasecmp(fields->list[i].name, name) != 0)
            continue;
        for (p += strspn(p, ", \t"); *p; p += strspn(p, ", \t")) {
            size_t n = strcspn(p, ",");

            while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
                n--;
            if (n != length || strncasecmp(p, member, n) != 0)
                return -1;
            count++;
            p += n;
        }
    }
    return count;
}

bool http_fields_have_prefix(const HttpFields *fields, const char *prefix)
{
    for (size_t i = 0; i < fields->n; i++)
        if (strncasecmp(fields->list[i].name, prefix, strlen(prefix)) == 0)
            return true;
    return false;
}
