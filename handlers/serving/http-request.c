/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/http-request.h"

#include <strings.h>

#include "base/macro.h"
#include "strings/host.h"

/* This file refuses what a proxy in front could read differently. */

static const HttpRefusal bad_version = {
    505, "This server supports only HTTP/1.0 and HTTP/1.1. Send the request with one of them."
};
static const HttpRefusal two_framings = {
    400, "The request has both Transfer-Encoding and Content-Length. Send only Content-Length."
};
static const HttpRefusal bad_expectation = {
    417, "This server supports no expectation but 100-continue. Remove the Expect header."
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
static const HttpRefusal bad_coding = {
    501,
    "This server knows no transfer coding but chunked. Send the body with a Content-Length, or "
    "in chunks."
};
static const HttpRefusal old_coding = {
    400, "HTTP/1.0 has no Transfer-Encoding. Send Content-Length instead."
};
static const HttpRefusal no_host = {
    400, "The request has no Host header or more than one. Send exactly one."
};
static const HttpRefusal bad_host = {
    400, "The Host header is malformed. Send the name or the IP address "
         "of the server, and the port if it is not 80."
};

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
    request->fields.n = 0;
    request->fields.keep_alive = false;
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

/* RFC 3986 §3.1. Returns what follows "scheme://", or NULL. */
static char *skip_scheme(char *target)
{
    size_t n = strspn(target, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

    return n > 0 && (target[0] | 0x20) >= 'a' && strncmp(target + n, "://", 3) == 0
               ? target + n + STRLEN("://")
               : NULL;
}

/* absolute-form: the authority moves one byte towards the front, to be terminated before the path.
 */
static int read_absolute_target(HttpRequest *request, char *authority)
{
    static char root[] = "/";
    size_t length = authority ? strcspn(authority, "/?") : 0;
    char after = authority ? authority[length] : '\0';

    if (length == 0)
        return http_request_refuse(request, &bad_target);
    authority[length] = '\0';
    if (!host_is_authority(authority))
        return http_request_refuse(request, &bad_target);
    request->path = root;
    if (after == '/') {
        request->path = authority + length;
        *request->path = after;
        authority -= STRLEN("/");
        memmove(authority, authority + 1, length);
        authority[length] = '\0';
    }
    request->authority = authority;
    return 0;
}

/* Takes the path out of origin-form and absolute-form. The authority of CONNECT and the asterisk
 * stay as they are: no route has such a path (RFC 9112 §3.2). */
static int read_target(HttpRequest *request, char *target, size_t length)
{
    bool is_connect = streq(request->method, "CONNECT");

    if (!is_target(target, length))
        return http_request_refuse(request, &bad_target);
    target[length] = '\0';
    if (is_connect && !host_is_authority(target))
        return http_request_refuse(request, &bad_target);
    if (is_connect || target[0] == '/' || streq(target, "*"))
        request->path = target;
    else {
        int status = read_absolute_target(request, skip_scheme(target));

        if (status != 0)
            return status;
    }
    request->path[strcspn(request->path, "?")] = '\0';
    return 0;
}

int http_request_read_line(HttpRequest *request, char *line, size_t size)
{
    char *rest = line, *end = line + size - STRLEN("\r\n"), *method, *target;
    size_t method_length, target_length;

    method = split_at_blank(&rest, end, &method_length);
    target = method ? split_at_blank(&rest, end, &target_length) : NULL;
    if (!target || !http_is_token(method, method_length) || !is_version(rest, (size_t)(end - rest)))
        return http_request_refuse(request, &bad_line);
    if (rest[5] != '1')
        return http_request_refuse(request, &bad_version);
    request->minor = (unsigned)(rest[7] - '0');
    method[method_length] = '\0';
    request->method = method;
    return read_target(request, target, target_length);
}

/* The parser has refused a second Content-Length, but it accepts spaces and an empty value. */
static int read_length(HttpRequest *request)
{
    const char *value = http_request_field(request, "Content-Length");

    if (!value)
        return 0;
    if (*value == '\0' || strspn(value, "0123456789") != strlen(value))
        return http_request_refuse(request, &bad_length);
    errno = 0;
    request->length = strtoull(value, NULL, 10);
    if (errno != 0 || request->length > INT64_MAX)
        return http_request_refuse(request, &huge_length);
    request->has_length = true;
    return 0;
}

/* RFC 9112 §6.1: with another coding, or this one twice, a proxy in front could see the end of the
 * request elsewhere. */
static int read_transfer_encoding(HttpRequest *request)
{
    const char *value = http_request_field(request, "Transfer-Encoding");

    if (!value)
        return 0;
    if (request->has_length)
        return http_request_refuse(request, &two_framings);
    if (request->minor == 0)
        return http_request_refuse(request, &old_coding);
    if (http_fields_members(&request->fields, "Transfer-Encoding", "chunked") != 1)
        return http_request_refuse(request, &bad_coding);
    request->is_chunked = true;
    return 0;
}

/* RFC 9112 §3.2. It is empty where the target has no authority. */
static int check_host(HttpRequest *request)
{
    unsigned n = http_fields_count(&request->fields, "Host");
    const char *value = http_request_field(request, "Host");

    if (n > 1 || (n == 0 && request->minor > 0))
        return http_request_refuse(request, &no_host);
    if (value && *value && !host_is_authority(value))
        return http_request_refuse(request, &bad_host);
    return 0;
}

/* RFC 9110 §10.1.1; HTTP/1.0 has no Expect. */
static int read_expect(HttpRequest *request)
{
    const char *value = http_request_field(request, "Expect");

    if (!value || request->minor == 0)
        return 0;
    if (http_fields_members(&request->fields, "Expect", "100-continue") < 0)
        return http_request_refuse(request, &bad_expectation);
    request->expects_continue = true; /* an empty list does no harm */
    return 0;
}

const char *http_request_field(const HttpRequest *request, const char *name)
{
    return http_fields_find(&request->fields, name);
}

int http_request_read_fields(HttpRequest *request, char *fields, size_t size)
{
    static int (*const checks[])(HttpRequest *) = {
        read_length,
        read_transfer_encoding,
        check_host,
        read_expect,
    };
    const HttpRefusal *refusal = http_fields_read(request->minor, fields, size, &request->fields);
    int status = refusal ? http_request_refuse(request, refusal) : 0;

    for (size_t i = 0; i < ELEMENTSOF(checks) && status == 0; i++)
        status = checks[i](request);
    return status;
}
