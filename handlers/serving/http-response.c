/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/http-response.h"

#include <stdio.h>
#include <time.h>

#include "base/io.h"
#include "base/macro.h"

const char *http_status_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        { 200, "OK" },
        { 400, "Bad Request" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 411, "Length Required" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" },
        { 421, "Misdirected Request" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < ELEMENTSOF(phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Unknown";
}

/* RFC 9110 §5.6.7. The handlers never leave the C locale, so %a and %b are English. */
static void format_date(char *buffer, size_t size)
{
    time_t now = time(NULL);
    struct tm tm;

    if (!gmtime_r(&now, &tm) || strftime(buffer, size, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
        buffer[0] = '\0';
}

static struct iovec piece(const void *data, size_t size)
{
    return (struct iovec){ .iov_base = (void *)data, .iov_len = size };
}

static struct iovec text_piece(const char *text)
{
    return piece(text ? text : "", text ? strlen(text) : 0);
}

static int send_pieces(int fd, const char *head, const HttpResponse *response, usec_t deadline)
{
    struct iovec pieces[] = {
        text_piece(head),
        text_piece(response->type ? "Content-Type: " : NULL),
        text_piece(response->type),
        text_piece(response->type ? "\r\n" : NULL),
        text_piece(response->headers),
        text_piece("\r\n"),
        piece(response->body, response->without_body ? 0 : response->size),
    };

    return writev_all(fd, pieces, ELEMENTSOF(pieces), deadline);
}

int http_response_send(int fd, const HttpResponse *response, usec_t deadline)
{
    char date[64], head[320];

    format_date(date, sizeof(date));
    (void)snprintf(head, sizeof(head),
                   "HTTP/1.1 %d %s\r\n"
                   "Date: %s\r\n"
                   "Connection: %s\r\n"
                   "Cache-Control: no-store\r\n"
                   "Content-Length: %zu\r\n",
                   response->status, http_status_phrase(response->status), date,
                   response->keep_alive ? "keep-alive" : "close", response->size);
    return send_pieces(fd, head, response, deadline);
}

int http_response_send_continue(int fd, usec_t deadline)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

    return write_all(fd, line, strlen(line), deadline);
}
