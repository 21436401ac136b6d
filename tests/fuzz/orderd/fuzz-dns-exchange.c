/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes that a DNS server sends: by TCP, or as datagrams, each with its length before it like a
 * message of TCP. The first byte of the input decides how. */

#include "dns/exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TIMEOUT    (10 * USEC_PER_SEC)
#define ROUNDS_MAX 10000U /* of an event loop; more would be endless */

/* Bits of the first byte. */
enum {
    OTHER_ID = 1,  /* the first message does not get the id of the request */
    BY_UDP = 2,    /* by UDP first */
    NO_TIME = 4,   /* the time of the first request is over before the answer */
    IS_SIGNED = 8, /* the answer must be signed */
    TWICE = 16,    /* two requests share the connection */
    NOWHERE = 32,  /* the server is behind a missing interface */
    REFUSED = 64,  /* there is no server; for two requests: nor can be */
    DROPPED = 128, /* the pool is freed before its exchanges, and while the connection is open */
    CROWD = 255,   /* more requests than may be sent at once */
};

typedef struct Server {
    int listener, udp;
    sd_event *event;
    DnsServer address, nowhere, refusing, broadcast;
    ldns_pkt *request;
    TsigKey *key;
} Server;

typedef struct Call {
    DnsExchange *exchange; /* NULL: it has ended */
} Call;

static void server_start(Server *server)
{
    SocketAddress address = { .in = { .sin_family = AF_INET } };
    socklen_t length = sizeof(address);
    char text[32], why[TSIG_WHY_SIZE];

    address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    server->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The port may be taken for the other protocol. */
    do {
        if (bind(server->udp, &address.sa, sizeof(address.in)) < 0 ||
            getsockname(server->udp, &address.sa, &length) < 0)
            abort();
    } while (bind(server->listener, &address.sa, sizeof(address.in)) < 0);
    if (listen(server->listener, 4) < 0)
        abort();
    (void)snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(address.in.sin_port));
    if (dns_server_parse(text, &server->address) < 0 ||
        dns_server_parse("[fe80::1%none0]:53", &server->nowhere) < 0 ||
        dns_server_parse("127.0.0.1:1", &server->refusing) < 0 ||
        dns_server_parse("255.255.255.255", &server->broadcast) < 0 ||
        sd_event_new(&server->event) < 0 ||
        dns_query_new("_acme-challenge.www.example.org", LDNS_RR_TYPE_TXT, true, &server->request) <
            0 ||
        tsig_key_parse("hmac-sha256:acmems:c2VjcmV0", why, &server->key) < 0)
        abort();
}

static void on_reply(const DnsReply *reply, void *userdata)
{
    Call *call = userdata;

    if (!call->exchange || !reply->trouble || (reply->answer != NULL) != (reply->error == 0))
        abort();
    if (reply->error == 0 && dns_error_is_uncertain(reply->error))
        abort();
    call->exchange = NULL;
}

/* The input with the id of the request in its first message. */
static uint8_t *make_answer(const uint8_t *data, size_t size, const uint8_t *id)
{
    uint8_t *answer = malloc(size);

    if (!answer)
        abort();
    memcpy(answer, data, size);
    if (!(data[0] & OTHER_ID) && size > 4)
        memcpy(answer + 3, id, 2);
    return answer;
}

/* Runs the client until it has nothing to do. */
static void settle(const Server *server)
{
    for (unsigned i = 0; i < ROUNDS_MAX; i++) {
        int r = sd_event_run(server->event, 0);

        if (r < 0)
            abort();
        if (r == 0)
            return;
    }
    abort();
}

/* Leaves no port in TIME_WAIT. */
static void close_tcp(int fd)
{
    const struct linger reset = { .l_onoff = 1 };

    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
        abort();
    (void)close(fd);
}

/* Sends the input on a connection whose requests have arrived, as an answer to the last one that
 * is in time. */
static void serve_tcp(int fd, const uint8_t *data, size_t size)
{
    uint8_t request[512], *answer;
    ssize_t n = recv(fd, request, sizeof(request), MSG_DONTWAIT);

    if (n < 4)
        return;
    answer =
        make_answer(data, size, request + (data[0] & NO_TIME && data[0] & TWICE ? n / 2 : 0) + 2);
    (void)send(fd, answer + 1, size - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    free(answer);
}

static void serve_udp(const Server *server, const uint8_t *data, size_t size)
{
    SocketAddress client;
    socklen_t length = sizeof(client);
    uint8_t request[512], *answer;

    if (recvfrom(server->udp, request, sizeof(request), 0, &client.sa, &length) < 2)
        return;
    answer = make_answer(data, size, request);
    for (size_t at = 1; at + 2 <= size;) {
        size_t n = (size_t)answer[at] << 8 | answer[at + 1];

        at += 2;
        if (n > size - at)
            n = size - at;
        (void)sendto(server->udp, answer + at, n, 0, &client.sa, length);
        at += n;
    }
    free(answer);
}

/* Later connections are closed without an answer. Returns the descriptor of one that stays open, 0:
 * it is closed; negative: there is none. */
static int serve(const Server *server, const uint8_t *data, size_t size, bool is_first)
{
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return fd;
    settle(server);
    if (is_first)
        serve_tcp(fd, data, size);
    if (is_first && data[0] & DROPPED)
        return fd;
    close_tcp(fd);
    return 0;
}

/* Returns the connection that stays open; 0: none. */
static int run(const Server *server, const Call *first, const uint8_t *data, size_t size)
{
    int open = 0, fd;
    bool is_first = true;

    /* It ends by a timer. */
    while (first->exchange && data[0] & (NO_TIME | NOWHERE))
        if (sd_event_run(server->event, 20 * USEC_PER_SEC) <= 0)
            abort();
    if (data[0] & BY_UDP)
        serve_udp(server, data, size);
    settle(server);
    while ((fd = serve(server, data, size, is_first)) >= 0) {
        is_first = false;
        open = fd > 0 ? fd : open;
        settle(server);
    }
    return open;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Server server;
    static bool was_crowd; /* once in each process, as it takes its time */
    _cleanup_(dns_pool_freep) DnsPool *pool = NULL;
    DnsRequest request = { 0 };
    Call calls[DNS_EXCHANGES_MAX + 1] = { 0 };
    size_t n;
    int open, fd;

    if (size == 0)
        return 0;
    if (!server.event)
        server_start(&server);
    request = (DnsRequest){
        .server = data[0] & NOWHERE      ? &server.nowhere
                  : !(data[0] & REFUSED) ? &server.address
                  : data[0] & TWICE      ? &server.broadcast
                                         : &server.refusing,
        .message = server.request,
        .key = data[0] & IS_SIGNED ? server.key : NULL,
        .by_tcp = !(data[0] & BY_UDP),
        .timeout = data[0] & NO_TIME ? 0 : TIMEOUT,
    };
    if (dns_pool_new(server.event, &pool) < 0 || dns_pool_event(pool) != server.event)
        abort();
    n = data[0] == CROWD && !was_crowd ? ELEMENTSOF(calls) : data[0] & TWICE ? 2 : 1;
    was_crowd |= data[0] == CROWD;
    for (size_t i = 0; i < n; i++) {
        if (dns_exchange_start(pool, &request, on_reply, &calls[i], &calls[i].exchange) < 0)
            abort();
        request.timeout = TIMEOUT;
    }
    open = run(&server, &calls[0], data, size);
    /* Nothing more will come. */
    for (size_t i = 0; !(data[0] & DROPPED) && i < n; i++)
        calls[i].exchange = dns_exchange_cancel(calls[i].exchange);
    pool = dns_pool_free(dns_pool_free(pool));
    if (open > 0)
        close_tcp(open);
    while ((fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        (void)close(fd);
    while (recv(server.udp, &(char){ 0 }, 1, 0) >= 0)
        ;
    return 0;
}
