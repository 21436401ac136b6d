/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/http-request.h"

#include <strings.h>

#include "base/macro.h"

/* http_parser reads the grammar. This file first refuses what http_parser accepts against RFC 9112,
 * and what it would read differently than a proxy in front. */

static const HttpRefusal bad_version = {
    505, "This server supports only HTTP/1.0 and HTTP/1.1. Send the request with one of them."
};
static const HttpRefusal two_framings = {
    400, "The request has both Transfer-Encoding and Content-Length. Send only Content-Length."
};
static const HttpRefusal bad_expectation = {
    417, "This server supports no expectation but 100-continue. Remove the Expect header."
};
static const HttpRefusal many_lengths = {
    400, "The request has more than one Content-Length, or also a Transfer-Encoding. Send one "
         "Content-Length and no Transfer-Encoding."
};
static const HttpRefusal bad_target = {
    400,
    "The request target is malformed. Send a path or a URL in printable ASCII, without a fragment."
};
static const HttpRefusal bad_line = { 400, "The request line is malformed. Send the method, the "
                                           "path and HTTP/1.1, with one space between them." };
static const HttpRefusal bad_length = {
    400,
    "The Content-Length is not a number. Send the size of the body in bytes, in decimal digits."
};
static const HttpRefusal huge_length = {
    400, "The Content-Length is larger than any request may be. Send the size of the body in bytes."
};
static const HttpRefusal old_coding = {
    400, "HTTP/1.0 has no Transfer-Encoding. Send Content-Length instead."
};
static const HttpRefusal bad_host = {
    400, "The request has no Host header or more than one. Send exactly one."
};
static const HttpRefusal many_fields = {
    431, "The request has too many header fields. Send at most 100."
};
static const HttpRefusal bad_field = { 400,
                                       "A header field is malformed. Send each field as 'Name: "
                                       "value' on one line, without control characters." };

int http_request_refuse(HttpRequest *request, const HttpRefusal *refusal)
{
    request->reason = refusal->sentence;
    return refusal->status;
}

void http_request_init(HttpRequest *request)
{
    static char nothing[] = "";

    memset(request, 0, offsetof(HttpRequest, fields));
    request->method = request->path = nothing;
    http_parser_init(&request->parser, HTTP_REQUEST);
    request->parser.data = request;
}

int http_head_size(const char *data, size_t size, size_t *line_size, size_t *scanned)
{
    const char *lf;

    while (*scanned < size && (lf = memchr(data + *scanned, '\n', size - *scanned))) {
        size_t end = (size_t)(lf - data) + 1;

        if (end < 2 || lf[-1] != '\r')
            return -EBADMSG;
        if (*line_size == 0)
            *line_size = end;
        else if (lf[-2] == '\n')
            return (int)end;
        *scanned = end;
    }
    *scanned = size;
    return 0;
}

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_token_char(text[i]))
            return false;
    return length > 0;
}

/* Only printable ASCII. A request has no fragment. */
static bool is_target(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '#')
            return false;
    return length > 0;
}

/* Returns the part before the first space and moves @line behind it. NULL: there is no space. */
static char *split_at_blank(char **line, char *end, size_t *ret_length)
{
    char *start = *line, *blank = memchr(start, ' ', (size_t)(end - start));

    if (!blank)
        return NULL;
    *ret_length = (size_t)(blank - start);
    *line = blank + 1;
    return start;
}

static bool is_version(const char *text, size_t length)
{
    return length == STRLEN("HTTP/1.1") && memcmp(text, "HTTP/", 5) == 0 && text[6] == '.' &&
           text[5] >= '0' && text[5] <= '9' && text[7] >= '0' && text[7] <= '9';
}

/* Takes the path out of origin-form and absolute-form. The authority of CONNECT and the asterisk
 * stay as they are: no route has such a path (RFC 9112 §3.2). */
static int read_target(HttpRequest *request, char *target, size_t length, bool is_connect)
{
    static char root[] = "/";
    struct http_parser_url url;

    http_parser_url_init(&url);
    if (!is_target(target, length) || http_parser_parse_url(target, length, is_connect, &url) != 0)
        return http_request_refuse(request, &bad_target);
    target[length] = '\0';
    if (url.field_set & (1 << UF_PATH)) {
        request->path = target + url.field_data[UF_PATH].off;
        request->path[url.field_data[UF_PATH].len] = '\0';
    } else
        request->path = is_connect ? target : root;
    return 0;
}

int http_request_read_line(HttpRequest *request, char *line, size_t size)
{
    static const http_parser_settings settings = { 0 };
    char *rest = line, *end = line + size - STRLEN("\r\n"), *method, *target;
    size_t method_length, target_length;

    method = split_at_blank(&rest, end, &method_length);
    target = method ? split_at_blank(&rest, end, &target_length) : NULL;
    if (!target || !is_token(method, method_length) || !is_version(rest, (size_t)(end - rest)))
        return http_request_refuse(request, &bad_line);
    if (rest[5] != '1')
        return http_request_refuse(request, &bad_version);
    if (http_parser_execute(&request->parser, &settings, line, size) != size &&
        HTTP_PARSER_ERRNO(&request->parser) != HPE_INVALID_METHOD)
        return http_request_refuse(request, &bad_line);
    request->minor = (unsigned)(rest[7] - '0');
    method[method_length] = '\0';
    request->method = method;
    return read_target(request, target, target_length, streq(method, "CONNECT"));
}

/* True when each line begins with a token and a colon, no line is folded (RFC 9112 §5.1, §5.2), and
 * no value has a control character. */
static bool fields_are_plain(const char *fields, size_t size)
{
    const char *end = fields + size - STRLEN("\r\n");

    for (const char *line = fields, *next; line < end; line = next) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        const char *colon = lf ? memchr(line, ':', (size_t)(lf - line)) : NULL;

        if (!colon || !is_token(line, (size_t)(colon - line)))
            return false;
        for (const char *p = colon + 1; p < lf - 1; p++)
            if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
                return false;
        next = lf + 1;
    }
    return true;
}

/* http_parser returns const pointers into the head, which belongs to this program. */
static char *own(const char *p)
{
    return (char *)p;
}

static int on_field(http_parser *parser, const char *at, size_t length)
{
    HttpRequest *request = parser->data;

    if (request->n_fields == HTTP_FIELDS_MAX)
        return -1;
    request->fields[request->n_fields++] = (HttpField){ .name = own(at), .name_length = length };
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t length)
{
    HttpRequest *request = parser->data;
    HttpField *field = &request->fields[request->n_fields - 1];

    /* http_parser notices an empty value only on the next line, so that @at points there. */
    field->value = length > 0 ? own(at) : field->name + field->name_length;
    field->value_length = length;
    return 0;
}

static int on_complete(http_parser *parser)
{
    HttpRequest *request = parser->data;

    request->keep_alive = http_should_keep_alive(parser);
    return 0;
}

/* Writes into the head: call it after the parser has finished. */
static void terminate_fields(HttpRequest *request)
{
    for (size_t i = 0; i < request->n_fields; i++) {
        HttpField *field = &request->fields[i];
        char *end = field->value + field->value_length;

        while (end > field->value && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        *end = '\0';
        field->name[field->name_length] = '\0';
    }
}

const char *http_request_field(const HttpRequest *request, const char *name)
{
    for (size_t i = 0; i < request->n_fields; i++)
        if (strcasecmp(request->fields[i].name, name) == 0)
            return request->fields[i].value;
    return NULL;
}

static unsigned count_fields(const HttpRequest *request, const char *name)
{
    unsigned n = 0;

    for (size_t i = 0; i < request->n_fields; i++)
        if (strcasecmp(request->fields[i].name, name) == 0)
            n++;
    return n;
}

/* http_parser has refused a second Content-Length, but it accepts spaces and an empty value. */
static int read_length(HttpRequest *request)
{
    const char *value = http_request_field(request, "Content-Length");

    if (!value)
        return 0;
    if (*value == '\0' || strspn(value, "0123456789") != strlen(value))
        return http_request_refuse(request, &bad_length);
    errno = 0;
    request->length = strtoull(value, NULL, 10);
    if (errno != 0)
        return http_request_refuse(request, &huge_length);
    request->has_length = true;
    return 0;
}

/* RFC 9112 §6.1: with one of these a proxy in front could see the end of the request elsewhere. */
static int read_transfer_encoding(HttpRequest *request)
{
    request->has_transfer_encoding = count_fields(request, "Transfer-Encoding") > 0;
    if (!request->has_transfer_encoding)
        return 0;
    if (request->has_length)
        return http_request_refuse(request, &two_framings);
    if (request->minor == 0)
        return http_request_refuse(request, &old_coding);
    return 0;
}

/* RFC 9112 §3.2 */
static int check_host(HttpRequest *request)
{
    unsigned n = count_fields(request, "Host");

    if (n > 1 || (n == 0 && request->minor > 0))
        return http_request_refuse(request, &bad_host);
    return 0;
}

/* RFC 9110 §10.1.1; HTTP/1.0 has no Expect. */
static int read_expect(HttpRequest *request)
{
    const char *value = http_request_field(request, "Expect");

    if (!value || request->minor == 0)
        return 0;
    if (strcasecmp(value, "100-continue") != 0)
        return http_request_refuse(request, &bad_expectation);
    request->expects_continue = true;
    return 0;
}

/* Translates the error of http_parser into a sentence for the client. */
static int request_refuse_parsed(HttpRequest *request)
{
    switch (HTTP_PARSER_ERRNO(&request->parser)) {
    case HPE_CB_header_field:
        return http_request_refuse(request, &many_fields);
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return http_request_refuse(request, &many_lengths);
    case HPE_INVALID_CONTENT_LENGTH:
        return http_request_refuse(request, &bad_length);
    default:
        return http_request_refuse(request, &bad_field);
    }
}

int http_request_read_fields(HttpRequest *request, char *fields, size_t size)
{
    static const http_parser_settings settings = {
        .on_header_field = on_field,
        .on_header_value = on_value,
        .on_headers_complete = on_complete,
    };
    static int (*const checks[])(HttpRequest *) = {
        read_length,
        read_transfer_encoding,
        check_host,
        read_expect,
    };
    int status = 0;

    if (!fields_are_plain(fields, size))
        return http_request_refuse(request, &bad_field);
    (void)http_parser_execute(&request->parser, &settings, fields, size);
    /* The server refuses every transfer coding later, whether or not it ends in chunked. */
    if (HTTP_PARSER_ERRNO(&request->parser) != HPE_OK &&
        HTTP_PARSER_ERRNO(&request->parser) != HPE_INVALID_TRANSFER_ENCODING)
        return request_refuse_parsed(request);
    terminate_fields(request);
    for (size_t i = 0; i < ELEMENTSOF(checks) && status == 0; i++)
        status = checks[i](request);
    return status;
}
