/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/http-arrival.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "serving/http.h"
#include "test.h"

/* A TCP connection over loopback: the two ends. */
static void make_connection(int ends[2])
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT_TRUE(listener >= 0);
    ASSERT_OK(bind(listener, (struct sockaddr *)&address, sizeof(address)));
    ASSERT_OK(listen(listener, 1));
    ASSERT_OK(getsockname(listener, (struct sockaddr *)&address, &size));
    ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_OK(connect(ends[1], (struct sockaddr *)&address, sizeof(address)));
    ASSERT_OK(setsockopt(ends[1], IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)));
    ends[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ASSERT_TRUE(ends[0] >= 0);
    (void)close(listener);
}

/* Sends @size bytes to @ends[1] and waits until they, and the @before bytes sent earlier, can be
 * read from @ends[0]. */
static void send_more(const int ends[2], const char *bytes, size_t size, size_t before)
{
    static char peeked[2 * HTTP_HEAD_SIZE_MAX];

    ASSERT_EQ(write(ends[1], bytes, size), (ssize_t)size);
    ASSERT_EQ(recv(ends[0], peeked, before + size, MSG_PEEK | MSG_WAITALL),
              (ssize_t)(before + size));
}

/* Sends the first @start bytes at once and the others one by one. Returns how many had been sent
 * when the request had arrived, or 0 if it has not. */
static size_t sent_until_arrival(const FrontServers *servers, const char *bytes, size_t size,
                                 size_t start)
{
    size_t sent = start;
    int ends[2];
    bool arrived;

    make_connection(ends);
    ASSERT_TRUE(!http_has_arrived(servers, ends[0]));
    send_more(ends, bytes, start, 0);
    while (!(arrived = http_has_arrived(servers, ends[0])) && sent < size) {
        send_more(ends, bytes + sent, 1, sent);
        sent++;
    }
    /* Nothing is taken. */
    send_more(ends, "x", 1, sent);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return arrived ? sent : 0;
}

static const struct {
    const char *bytes;
    size_t size; /* at which it has arrived; 0: not with all of them */
} requests[] = {
#define REQUEST(text)                                                                              \
    {                                                                                              \
        text, STRLEN(text)                                                                         \
    }
    REQUEST("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    REQUEST("GET / HTTP/1.0\r\n\r\n"),
    REQUEST("\r\nPOST /sign HTTP/1.1\r\nContent-Length: 7\r\n\r\n"),
    { "POST /sign HTTP/1.1\r\nContent-Length: 7\r\n\r\nbody", 42 },
    { "GET / HTTP/1.1\r\nHost: x\r\n", 0 },
    { "GET /", 0 },
    { "\r\n", 0 },
    /* A process refuses these at once. */
    REQUEST("GET / HTTP/1.1\n"),
    REQUEST("GET / HTTP/1.1\r\nHost: x\n"),
    REQUEST("GET /\r\n"),
    REQUEST("SSH-2.0-OpenSSH_9.2\r\n"),
    REQUEST("\n"),
};

static void test_requests(void)
{
    for (size_t i = 0; i < ELEMENTSOF(requests); i++)
        ASSERT_EQ(sent_until_arrival(&(FrontServers){ 0 }, requests[i].bytes,
                                     strlen(requests[i].bytes), 1),
                  requests[i].size);
}

static void test_large_head(void)
{
    char line[HTTP_HEAD_SIZE_MAX + 10];

    memset(line, 'a', sizeof(line));
    memcpy(line, "GET /", 5);
    ASSERT_EQ(sent_until_arrival(&(FrontServers){ 0 }, line, sizeof(line), HTTP_HEAD_SIZE_MAX - 2),
              HTTP_HEAD_SIZE_MAX);
}

/* The request comes behind the header, whatever bytes the header has. */
static void test_front_server(void)
{
    static const char one[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
                      two[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\0\1\0\2",
                      request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    _cleanup_free_ char *meant = NULL;
    AddressPrefix prefix;
    char bytes[256];

    ASSERT_OK(address_prefix_parse("127.0.0.1", &prefix, &meant));
    for (size_t i = 0; i < 2; i++) {
        const char *header = i == 0 ? one : two;
        size_t size = i == 0 ? sizeof(one) - 1 : sizeof(two) - 1;

        memcpy(bytes, header, size);
        memcpy(bytes + size, request, sizeof(request) - 1);
        ASSERT_EQ(
            sent_until_arrival(&(FrontServers){ &prefix, 1 }, bytes, size + sizeof(request) - 1, 1),
            size + sizeof(request) - 1);
    }
    /* Without a header it is refused at once. */
    ASSERT_EQ(sent_until_arrival(&(FrontServers){ &prefix, 1 }, request, sizeof(request) - 1, 1),
              1);
}

int main(void)
{
    test_requests();
    test_large_head();
    test_front_server();
    return EXIT_SUCCESS;
}
