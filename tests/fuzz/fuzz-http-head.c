/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of an HTTP client, in pieces whose sizes the first byte of the input decides. */

#include "serving/http-request.h"

#include <stdint.h>

#include "base/macro.h"
#include "serving/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Looks for the end of the head as more and more of it arrives. */
static int find_head(const char *data, size_t size, size_t piece, size_t *line_size)
{
    size_t scanned = 0;

    *line_size = 0;
    for (size_t n = piece; n < size; n += piece) {
        int r = http_head_size(data, n, line_size, &scanned);

        if (r != 0)
            return r;
    }
    return http_head_size(data, size, line_size, &scanned);
}

static void check_text(const char *text, const char *data, size_t size)
{
    if (text < data || text + strlen(text) >= data + size)
        abort();
}

static void check_request(const HttpRequest *request, const char *data, size_t size)
{
    if (*request->method == '\0' || *request->path == '\0')
        abort();
    if (request->authority)
        check_text(request->authority, data, size);
    for (size_t i = 0; i < request->fields.n; i++) {
        check_text(request->fields.list[i].name, data, size);
        check_text(request->fields.list[i].value, data, size);
    }
    if (request->has_length && request->length > INT64_MAX)
        abort();
}

static void read_head(char *data, size_t size, size_t line_size)
{
    static HttpRequest request;
    int status;

    http_request_init(&request);
    status = http_request_read_line(&request, data, line_size);
    if (status == 0)
        status = http_request_read_fields(&request, data + line_size, size - line_size);
    if (status == 0)
        check_request(&request, data, size);
    else if (status < 400 || status > 599 || !request.reason)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t line_size, whole_line_size;
    char *head;
    int r;

    if (size < 1 || size > HTTP_HEAD_SIZE_MAX)
        return 0;
    head = malloc(size);
    if (!head)
        return 0;
    memcpy(head, data + 1, size - 1);
    r = find_head(head, size - 1, 1 + data[0], &line_size);
    if (r != find_head(head, size - 1, size, &whole_line_size) || line_size != whole_line_size)
        abort();
    if (r > 0)
        read_head(head, (size_t)r, line_size);
    free(head);
    return 0;
}
