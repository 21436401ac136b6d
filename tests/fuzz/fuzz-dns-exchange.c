/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes that a DNS server sends by TCP. The first byte: whether the first message gets the
 * correct id. */

#include "dns/exchange.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Server {
    int listener;
    sd_event *event;
    DnsServer address;
    ldns_pkt *request;
} Server;

static void server_start(Server *server)
{
    SocketAddress address = { .in = { .sin_family = AF_INET } };
    socklen_t length = sizeof(address);
    char text[32];

    address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listener, &address.sa, sizeof(address.in)) < 0 ||
        listen(server->listener, 1) < 0 || getsockname(server->listener, &address.sa, &length) < 0)
        abort();
    (void)snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(address.in.sin_port));
    if (dns_server_parse(text, &server->address) < 0 || sd_event_new(&server->event) < 0 ||
        dns_query_new("_acme-challenge.www.example.org", LDNS_RR_TYPE_TXT, true, &server->request) <
            0)
        abort();
}

static void on_reply(const DnsReply *reply, void *userdata)
{
    unsigned *n_called = userdata;

    if (!reply->trouble || (reply->answer != NULL) != (reply->error == 0))
        abort();
    (*n_called)++;
}

/* Reads the request, sends the input, and closes. */
static void serve(const Server *server, const uint8_t *data, size_t size)
{
    const struct linger reset = { .l_onoff = 1 }; /* leave no port in TIME_WAIT */
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    uint8_t request[512], *answer = malloc(size);

    if (fd < 0 || !answer || recv(fd, request, sizeof(request), 0) < 4)
        abort();
    memcpy(answer, data, size);
    if (answer[0] % 2 == 0 && size > 4)
        memcpy(answer + 3, request + 2, 2);
    if (send(fd, answer + 1, size - 1, MSG_NOSIGNAL) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
        abort();
    (void)close(fd);
    free(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Server server;
    _cleanup_(dns_pool_freep) DnsPool *pool = NULL;
    DnsRequest request = { .by_tcp = true, .timeout = 10 * USEC_PER_SEC };
    DnsExchange *exchange;
    unsigned n_called = 0;

    if (size == 0)
        return 0;
    if (!server.event)
        server_start(&server);
    request.server = &server.address;
    request.message = server.request;
    if (dns_pool_new(server.event, &pool) < 0 ||
        dns_exchange_start(pool, &request, on_reply, &n_called, &exchange) < 0)
        abort();
    /* Until it is connected and has sent the request. */
    if (sd_event_run(server.event, USEC_PER_SEC) <= 0)
        abort();
    serve(&server, data, size);
    while (n_called == 0)
        if (sd_event_run(server.event, 20 * USEC_PER_SEC) <= 0)
            abort();
    if (n_called != 1)
        abort();
    return 0;
}
