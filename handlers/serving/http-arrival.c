/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/http-arrival.h"

#include <sys/socket.h>

#include "admission/proxy-header.h"
#include "base/macro.h"
#include "serving/http-request.h"
#include "serving/http.h"

/* Whether a process has something to do for these bytes. */
static bool has_head(const char *data, size_t size)
{
    size_t line_size = 0, scanned = 0;
    int r;

    /* RFC 9112 §2.2: an empty line may precede the request line. */
    if (size >= STRLEN("\r\n") && memcmp(data, "\r\n", STRLEN("\r\n")) == 0) {
        data += STRLEN("\r\n");
        size -= STRLEN("\r\n");
    }
    r = http_head_size(data, size, &line_size, &scanned);
    if (r != 0 || size >= HTTP_HEAD_SIZE_MAX)
        return true;
    return line_size > 0 && !memmem(data, line_size, " HTTP/", STRLEN(" HTTP/"));
}

bool http_has_arrived(const FrontServers *servers, int fd)
{
    char data[PROXY_HEADER_SIZE_MAX + HTTP_HEAD_SIZE_MAX];
    ssize_t n = recv(fd, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT);
    SocketAddress client;
    int skip = 0;

    if (n <= 0)
        return false;
    if (front_servers_send(servers, fd)) {
        skip = proxy_header_read(data, (size_t)n, &client);
        if (skip <= 0)
            return skip < 0; /* it gets its answer */
    }
    return has_head(data + skip, (size_t)n - (size_t)skip);
}
