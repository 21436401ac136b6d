/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of an HTTP client, in pieces whose sizes the first byte of the input decides. */

#include "serving/http-request.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/macro.h"
#include "serving/http-arrival.h"
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

/* A connection on loopback: what goes in at [0] waits at [1], whose peer may be a front server. */
static void connect_pair(int ret[2])
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ret[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listening, (struct sockaddr *)&address, size) < 0 || listen(listening, 1) < 0 ||
        getsockname(listening, (struct sockaddr *)&address, &size) < 0 ||
        connect(ret[0], (struct sockaddr *)&address, size) < 0)
        abort();
    ret[1] = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (ret[1] < 0)
        abort();
    (void)close(listening);
}

/* Receives exactly so many bytes, although the alarm of libFuzzer interrupts it. */
static void receive(int fd, char *ret, size_t size, int flags)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = recv(fd, ret + done, size - done, MSG_WAITALL | flags);

        if (n == 0 || (n < 0 && errno != EINTR))
            abort();
        if (n > 0 && (!(flags & MSG_PEEK) || (size_t)n == size))
            done += (size_t)n;
    }
}

/* Whether a process is started for a client that has sent this. */
static bool has_arrived(const FrontServers *servers, const char *data, size_t size)
{
    static int pair[2];
    static char waiting[HTTP_HEAD_SIZE_MAX];
    bool arrived;

    if (pair[1] == 0)
        connect_pair(pair);
    if (send(pair[0], data, size, 0) != (ssize_t)size)
        abort();
    receive(pair[1], waiting, size, MSG_PEEK);
    arrived = http_has_arrived(servers, pair[1]);
    receive(pair[1], waiting, size, 0);
    return arrived;
}

/* Whoever has sent a head, or what cannot become one, must get an answer; and more bytes take
 * nothing back. */
static void check_arrival(const char *data, size_t size, bool is_whole)
{
    const AddressPrefix loopback = { .family = AF_INET, .bytes = { 127 }, .length = 8 };
    const FrontServers lists[] = { { NULL, 0 }, { &loopback, 1 } };
    bool begins_empty = size >= 2 && memcmp(data, "\r\n", 2) == 0; /* RFC 9112 §2.2 */

    if (size < 2)
        return;
    for (size_t i = 0; i < ELEMENTSOF(lists); i++)
        if (has_arrived(&lists[i], data, size / 2) && !has_arrived(&lists[i], data, size))
            abort();
    if (is_whole && !begins_empty && !has_arrived(&lists[0], data, size))
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
    check_arrival(head, size - 1, r != 0);
    if (r > 0)
        read_head(head, (size_t)r, line_size);
    free(head);
    return 0;
}
