/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/exchange.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "dns/ask.h"
#include "test.h"

#define CONNECTIONS_MAX 8
#define TIMEOUT         (300 * USEC_PER_MSEC)
#define TCP_MAX         131072

/* How the server answers a datagram. */
typedef enum Udp {
    UDP_ANSWER,
    UDP_IGNORE,
    UDP_IGNORE_FIRST,
    UDP_TRUNCATE,
    UDP_OVERSIZED,
    UDP_STRAYS_FIRST,
    UDP_STRAYS_ONLY,
    UDP_NO_KEY,       /* a signed request gets NOTAUTH */
    UDP_NO_SIGNATURE, /* the answer has none */
} Udp;

/* How the server answers by TCP. */
typedef enum Tcp {
    TCP_ANSWER,
    TCP_ANSWER_BACKWARDS, /* after .expected messages */
    TCP_CLOSE,
    TCP_ANSWER_AND_CLOSE,
    TCP_DRIP,
    TCP_SHORT,
    TCP_STRAYS,    /* more messages than it received, none of them an answer */
    TCP_LARGEST,   /* of the accepted size */
    TCP_OVERSIZED, /* of the largest possible size */
    TCP_NO_KEY,    /* a signed request gets NOTAUTH */
    TCP_NO_SIGNATURE,
} Tcp;

typedef struct Connection {
    int fd;
    uint8_t in[TCP_MAX];
    size_t n_in;
    bool drips;
} Connection;

/* Runs on the same event loop as the code under test. */
typedef struct Responder {
    sd_event *event;
    int udp, tcp;
    DnsServer server;
    Udp with_udp;
    Tcp with_tcp;
    size_t expected;
    uint8_t tsig_error; /* of the answers to a key that is not accepted */
    unsigned oversized; /* number of the message with this answer; 0: none */
    unsigned n_datagrams, n_connections, n_messages;
    uint16_t ids[1024];
    in_port_t ports[1024];
    Connection connections[CONNECTIONS_MAX];
} Responder;

static void send_datagram(const Responder *r, const uint8_t *data, size_t size,
                          const SocketAddress *peer)
{
    ASSERT_EQ(sendto(r->udp, data, size, 0, &peer->sa, sizeof(peer->in)), size);
}

/* Another id, another question, and garbage. */
static void send_strays(const Responder *r, uint8_t *data, size_t size, const SocketAddress *peer)
{
    data[1] ^= 1;
    send_datagram(r, data, size, peer);
    data[1] ^= 1;
    data[DNS_HEADER_SIZE + 1] ^= 1;
    send_datagram(r, data, size, peer);
    data[DNS_HEADER_SIZE + 1] ^= 1;
    send_datagram(r, data, 5, peer);
}

/* The key is in the only record of a query's additional section, which ends with the error (2
 * bytes) and the length of no other data (2 bytes). */
static void deny_key(const Responder *r, uint8_t *message, size_t size)
{
    if (message[11] == 0)
        return;
    message[3] |= LDNS_RCODE_NOTAUTH;
    message[size - 3] = r->tsig_error;
}

/* Leaves the header and the question. Returns their size. */
static size_t drop_signature(uint8_t *message, size_t size)
{
    size_t question = DNS_HEADER_SIZE + strnlen((char *)message + DNS_HEADER_SIZE, 255) + 1 + 4;

    ASSERT_TRUE(question < size);
    message[11] = 0;
    return question;
}

static int on_udp(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    static uint8_t data[8192];
    Responder *r = userdata;
    SocketAddress peer;
    socklen_t length = sizeof(peer);
    ssize_t size = recvfrom(fd, data, 512, 0, &peer.sa, &length);

    (void)source;
    (void)revents;
    ASSERT_TRUE(size > (ssize_t)DNS_HEADER_SIZE);
    r->ports[r->n_datagrams % 1024] = peer.in.sin_port;
    r->ids[r->n_datagrams++ % 1024] = dns_wire_id(data);
    data[2] |= 0x80;
    switch (r->with_udp) {
    case UDP_IGNORE:
        break;
    case UDP_IGNORE_FIRST:
        if (r->n_datagrams > 1)
            send_datagram(r, data, (size_t)size, &peer);
        break;
    case UDP_TRUNCATE:
        data[2] |= 0x02;
        send_datagram(r, data, (size_t)size, &peer);
        break;
    case UDP_OVERSIZED:
        send_datagram(r, data, sizeof(data), &peer);
        break;
    case UDP_STRAYS_ONLY:
        for (unsigned i = 0; i < 20; i++)
            send_strays(r, data, (size_t)size, &peer);
        break;
    case UDP_STRAYS_FIRST:
        send_strays(r, data, (size_t)size, &peer);
        send_datagram(r, data, (size_t)size, &peer);
        break;
    case UDP_NO_KEY:
        deny_key(r, data, (size_t)size);
        send_datagram(r, data, (size_t)size, &peer);
        break;
    case UDP_NO_SIGNATURE:
        size = (ssize_t)drop_signature(data, (size_t)size);
        send_datagram(r, data, (size_t)size, &peer);
        break;
    case UDP_ANSWER:
        send_datagram(r, data, (size_t)size, &peer);
        break;
    }
    return 0;
}

static size_t message_size(const uint8_t *in)
{
    return 2 + ((size_t)in[0] << 8 | in[1]);
}

static void send_bytes(const Connection *c, const uint8_t *data, size_t size)
{
    ASSERT_EQ(send(c->fd, data, size, MSG_NOSIGNAL), size);
}

/* An answer with zeroes at its end. */
static void send_padded(const Connection *c, const uint8_t *in, size_t size)
{
    static uint8_t large[2 + UINT16_MAX];

    memset(large, 0, sizeof(large));
    memcpy(large, in, message_size(in));
    large[0] = (uint8_t)(size >> 8);
    large[1] = (uint8_t)size;
    send_bytes(c, large, 2 + size);
}

static void send_other_answers(const Connection *c, uint8_t *in)
{
    in[3] ^= 1;
    for (unsigned i = 0; i < 2; i++)
        send_bytes(c, in, message_size(in));
    in[3] ^= 1;
}

static bool answer(Responder *r, Connection *c, uint8_t *in)
{
    static const uint8_t no_message[] = { 0, 11, 1, 2, 3 };
    size_t size;

    r->n_messages++;
    in[4] |= 0x80;
    if (r->n_messages == r->oversized) {
        send_padded(c, in, UINT16_MAX);
        return true;
    }
    switch (r->with_tcp) {
    case TCP_NO_KEY:
        deny_key(r, in + 2, message_size(in) - 2);
        send_bytes(c, in, message_size(in));
        return true;
    case TCP_NO_SIGNATURE:
        size = drop_signature(in + 2, message_size(in) - 2);
        in[0] = (uint8_t)(size >> 8);
        in[1] = (uint8_t)size;
        send_bytes(c, in, message_size(in));
        return true;
    case TCP_ANSWER:
        send_bytes(c, in, message_size(in));
        return true;
    case TCP_ANSWER_AND_CLOSE:
        send_bytes(c, in, message_size(in));
        return false;
    case TCP_DRIP:
        send_bytes(c, in, 20);
        c->drips = true;
        return true;
    case TCP_SHORT:
        send_bytes(c, no_message, sizeof(no_message));
        return true;
    case TCP_STRAYS:
        send_other_answers(c, in);
        return true;
    case TCP_LARGEST:
        send_padded(c, in, DNS_MESSAGE_SIZE_MAX);
        return true;
    case TCP_OVERSIZED:
        send_padded(c, in, UINT16_MAX);
        return true;
    case TCP_ANSWER_BACKWARDS:
        return true;
    case TCP_CLOSE:
        break;
    }
    return false;
}

static void answer_backwards(Connection *c, size_t expected)
{
    size_t begins[1024], n = 0;

    for (size_t at = 0; at + 2 <= c->n_in && at + message_size(c->in + at) <= c->n_in;
         at += message_size(c->in + at))
        begins[n++] = at;
    if (n < expected)
        return;
    while (n-- > 0) {
        c->in[begins[n] + 4] |= 0x80;
        send_bytes(c, c->in + begins[n], message_size(c->in + begins[n]));
    }
    c->n_in = 0;
}

static int on_tcp(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Responder *r = userdata;
    Connection *c = r->connections;
    ssize_t n;

    (void)revents;
    while (c->fd != fd)
        c++;
    n = recv(fd, c->in + c->n_in, sizeof(c->in) - c->n_in, 0);
    if (n > 0)
        c->n_in += (size_t)n;
    if (n > 0 && r->with_tcp == TCP_ANSWER_BACKWARDS) {
        answer_backwards(c, r->expected);
        return 0;
    }
    while (n > 0 && c->n_in >= 2 && c->n_in >= message_size(c->in)) {
        size_t size = message_size(c->in);

        if (!answer(r, c, c->in))
            n = 0;
        memmove(c->in, c->in + size, c->n_in - size);
        c->n_in -= size;
    }
    if (n <= 0) {
        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        c->fd = safe_close(c->fd);
    }
    return 0;
}

static int on_accept(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Responder *r = userdata;
    Connection *c = &r->connections[r->n_connections++];

    (void)source;
    (void)revents;
    ASSERT_TRUE(r->n_connections <= CONNECTIONS_MAX);
    c->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    c->n_in = 0;
    ASSERT_TRUE(c->fd >= 0);
    ASSERT_TRUE(sd_event_add_io(r->event, NULL, c->fd, EPOLLIN, on_tcp, r) >= 0);
    return 0;
}

static Responder *responder_new(sd_event *event)
{
    Responder *r = calloc(1, sizeof(*r));
    SocketAddress address = { .in = { .sin_family = AF_INET } };
    socklen_t length = sizeof(address);
    char text[32];

    ASSERT_TRUE(r);
    r->event = event;
    address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    do {
        safe_close(r->udp > 0 ? r->udp : -EBADF);
        safe_close(r->tcp > 0 ? r->tcp : -EBADF);
        address.in.sin_port = 0;
        r->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ASSERT_OK(bind(r->tcp, &address.sa, sizeof(address.in)));
        ASSERT_OK(getsockname(r->tcp, &address.sa, &length));
        r->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    } while (bind(r->udp, &address.sa, sizeof(address.in)) < 0);
    ASSERT_OK(listen(r->tcp, 128));
    snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(address.in.sin_port));
    ASSERT_OK(dns_server_parse(text, &r->server));
    ASSERT_TRUE(sd_event_add_io(event, NULL, r->udp, EPOLLIN, on_udp, r) >= 0);
    ASSERT_TRUE(sd_event_add_io(event, NULL, r->tcp, EPOLLIN, on_accept, r) >= 0);
    return r;
}

static void responder_free(Responder *r)
{
    for (unsigned i = 0; i < r->n_connections; i++)
        safe_close(r->connections[i].fd);
    safe_close(r->udp);
    safe_close(r->tcp);
    free(r);
}

/* The result of an exchange. */
typedef struct Result {
    unsigned n_called;
    bool answered;
    int error;
    char trouble[512];
    char refused[DNS_REFUSED_SIZE];
} Result;

static void on_reply(const DnsReply *reply, void *userdata)
{
    Result *result = userdata;

    result->n_called++;
    result->answered = reply->answer;
    result->error = reply->error;
    snprintf(result->trouble, sizeof(result->trouble), "%s", reply->trouble);
    snprintf(result->refused, sizeof(result->refused), "%s", reply->refused);
}

static DnsExchange *start(DnsPool *pool, const DnsServer *server, bool by_tcp, const TsigKey *key,
                          Result *result)
{
    _cleanup_(dns_packet_freep) ldns_pkt *query = NULL;
    DnsRequest request = { .server = server, .key = key, .by_tcp = by_tcp, .timeout = TIMEOUT };
    DnsExchange *exchange;

    ASSERT_OK(dns_query_new("www.example.org", LDNS_RR_TYPE_TXT, true, &query));
    request.message = query;
    ASSERT_OK(dns_exchange_start(pool, &request, on_reply, result, &exchange));
    ASSERT_EQ(result->n_called, 0);
    return exchange;
}

static void run_until(sd_event *event, const unsigned *n, unsigned expected)
{
    while (*n < expected)
        ASSERT_TRUE(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
}

typedef struct World {
    sd_event *event;
    Responder *responder;
    DnsPool *pool;
} World;

static World world_new(Udp with_udp, Tcp with_tcp)
{
    World world;

    ASSERT_TRUE(sd_event_new(&world.event) >= 0);
    world.responder = responder_new(world.event);
    world.responder->with_udp = with_udp;
    world.responder->with_tcp = with_tcp;
    ASSERT_OK(dns_pool_new(world.event, &world.pool));
    return world;
}

static void world_done(World *world)
{
    dns_pool_free(world->pool);
    sd_event_unref(world->event);
    responder_free(world->responder);
}

static Result ask(World *world, bool by_tcp)
{
    Result result = { 0 };

    start(world->pool, &world->responder->server, by_tcp, NULL, &result);
    run_until(world->event, &result.n_called, 1);
    return result;
}

static void test_servers(void)
{
    static const struct {
        Udp udp;
        Tcp tcp;
        bool by_tcp;
        int error;
        const char *trouble;
        unsigned n_connections;
    } table[] = {
        { UDP_ANSWER, TCP_CLOSE, false, 0, "NOERROR", 0 },
        { UDP_IGNORE, TCP_CLOSE, false, -ETIMEDOUT, "no answer by UDP in time", 0 },
        { UDP_TRUNCATE, TCP_ANSWER, false, 0, "NOERROR", 1 },
        { UDP_TRUNCATE, TCP_CLOSE, false, -ECONNRESET, "it closed the connection", 1 },
        { UDP_OVERSIZED, TCP_ANSWER, false, 0, "NOERROR", 1 },
        { UDP_STRAYS_FIRST, TCP_CLOSE, false, 0, "NOERROR", 0 },
        { UDP_STRAYS_ONLY, TCP_ANSWER, false, 0, "NOERROR", 1 },
        { UDP_IGNORE, TCP_ANSWER, true, 0, "NOERROR", 1 },
        { UDP_ANSWER, TCP_CLOSE, true, -ECONNRESET, "it closed the connection", 1 },
        { UDP_ANSWER, TCP_DRIP, true, -ETIMEDOUT, "no answer by TCP in time", 1 },
        { UDP_ANSWER, TCP_SHORT, true, -EBADMSG, "its answer is invalid", 1 },
        { UDP_ANSWER, TCP_STRAYS, true, -EBADMSG, "its answer is invalid", 1 },
        { UDP_ANSWER, TCP_LARGEST, true, 0, "NOERROR", 1 },
        { UDP_ANSWER, TCP_OVERSIZED, true, -EFBIG, "its answer is larger than 16 KiB", 1 },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        World world = world_new(table[i].udp, table[i].tcp);
        Result result = ask(&world, table[i].by_tcp);

        ASSERT_EQ(result.error, table[i].error);
        ASSERT_EQ(result.answered, table[i].error == 0);
        ASSERT_STREQ(result.trouble, table[i].trouble);
        ASSERT_EQ(world.responder->n_connections, table[i].n_connections);
        world_done(&world);
    }
}

static void test_nobody_there(void)
{
    World world = world_new(UDP_ANSWER, TCP_ANSWER);

    safe_close(world.responder->udp);
    safe_close(world.responder->tcp);
    world.responder->udp = world.responder->tcp = -EBADF;
    for (unsigned by_tcp = 0; by_tcp < 2; by_tcp++) {
        Result result = ask(&world, by_tcp);

        ASSERT_EQ(result.error, -ECONNREFUSED);
        ASSERT_STREQ(result.trouble, by_tcp ? "its TCP port is closed" : "its UDP port is closed");
        ASSERT_FALSE(dns_error_is_uncertain(result.error));
    }
    world_done(&world);
}

static void test_no_interface(void)
{
    World world = world_new(UDP_ANSWER, TCP_ANSWER);

    ASSERT_OK(dns_server_parse("fe80::53%nowhere0", &world.responder->server));
    for (unsigned by_tcp = 0; by_tcp < 2; by_tcp++) {
        Result result = ask(&world, by_tcp);

        ASSERT_EQ(result.error, -ENODEV);
        ASSERT_STREQ(result.trouble, "its network interface does not exist");
    }
    world_done(&world);
}

static void test_resent(void)
{
    World world = world_new(UDP_IGNORE_FIRST, TCP_CLOSE);
    _cleanup_(dns_packet_freep) ldns_pkt *query = NULL;
    DnsRequest request = { .server = &world.responder->server, .timeout = 10 * USEC_PER_SEC };
    Result result = { 0 };
    DnsExchange *exchange;

    ASSERT_OK(dns_query_new("www.example.org", LDNS_RR_TYPE_TXT, true, &query));
    request.message = query;
    ASSERT_OK(dns_exchange_start(world.pool, &request, on_reply, &result, &exchange));
    run_until(world.event, &result.n_called, 1);
    ASSERT_TRUE(result.answered);
    ASSERT_EQ(world.responder->n_datagrams, 2);
    world_done(&world);
}

static Result ask_signed(World *world, bool by_tcp)
{
    _cleanup_(tsig_key_freep) TsigKey *key = NULL;
    char why[TSIG_WHY_SIZE];
    Result result = { 0 };

    ASSERT_OK(tsig_key_parse("hmac-sha256:acmems:c2VjcmV0", why, &key));
    start(world->pool, &world->responder->server, by_tcp, key, &result);
    run_until(world->event, &result.n_called, 1);
    return result;
}

/* An answer with the signature of the request is rejected. By UDP, the right one may still come. */
static void test_unsigned(void)
{
    for (unsigned by_tcp = 0; by_tcp < 2; by_tcp++) {
        World world = world_new(UDP_ANSWER, TCP_ANSWER);
        Result result = ask_signed(&world, by_tcp);

        ASSERT_EQ(result.error, -EKEYREJECTED);
        ASSERT_STREQ(result.trouble, "the TSIG signature of its answer is wrong");
        ASSERT_TRUE(dns_error_is_uncertain(result.error));
        world_done(&world);
    }
}

/* An answer without any signature. The hint is for queries only. */
static void test_no_signature(void)
{
    for (unsigned by_tcp = 0; by_tcp < 2; by_tcp++) {
        World world = world_new(UDP_NO_SIGNATURE, TCP_NO_SIGNATURE);
        Result result = ask_signed(&world, by_tcp);

        ASSERT_EQ(result.error, -ENOKEY);
        ASSERT_STREQ(result.trouble,
                     "its answer is not signed with the TSIG key (if it cannot sign answers to "
                     "queries, set sign-queries = no)");
        ASSERT_TRUE(dns_error_is_uncertain(result.error));
        world_done(&world);
    }
}

/* A server that does not have the key is asked again without it, by TCP: a datagram that says so
 * may be forged. One that has the key is not: the wrong secret or clock is told. */
static void test_key_is_not_accepted(void)
{
    static const struct {
        uint8_t error;
        const char *trouble, *refused;
    } table[] = {
        { 0, "NOERROR", "NOTAUTH" },          { 16, "NOTAUTH(BADSIG)", "" },
        { 17, "NOERROR", "NOTAUTH(BADKEY)" }, { 18, "NOTAUTH(BADTIME)", "" },
        { 22, "NOTAUTH(BADTRUNC)", "" },      { 99, "NOERROR", "NOTAUTH" },
    };

    for (size_t i = 0; i < 2 * ELEMENTSOF(table); i++) {
        bool by_tcp = i % 2, is_repeated = *table[i / 2].refused;
        World world = world_new(UDP_NO_KEY, TCP_NO_KEY);
        Responder *r = world.responder;
        Result result;

        r->tsig_error = table[i / 2].error;
        result = ask_signed(&world, by_tcp);
        ASSERT_TRUE(result.answered);
        ASSERT_STREQ(result.trouble, table[i / 2].trouble);
        ASSERT_STREQ(result.refused, table[i / 2].refused);
        ASSERT_EQ(r->n_datagrams, !by_tcp);
        ASSERT_EQ(r->n_messages, by_tcp + is_repeated + (!by_tcp && is_repeated));
        ASSERT_EQ(r->n_connections, by_tcp || is_repeated);
        world_done(&world);
    }
}

typedef struct Count {
    unsigned n_answered, n_called;
} Count;

static void on_counted(const DnsReply *reply, void *userdata)
{
    Count *count = userdata;

    count->n_called++;
    count->n_answered += reply->answer && reply->error == 0;
}

static void start_many(World *world, bool by_tcp, unsigned n, Count *count, DnsExchange **ret)
{
    _cleanup_(dns_packet_freep) ldns_pkt *query = NULL;
    DnsRequest request = { .server = &world->responder->server,
                           .by_tcp = by_tcp,
                           .timeout = 10 * USEC_PER_SEC };

    ASSERT_OK(dns_query_new("www.example.org", LDNS_RR_TYPE_TXT, true, &query));
    request.message = query;
    for (unsigned i = 0; i < n; i++)
        ASSERT_OK(dns_exchange_start(world->pool, &request, on_counted, count, &ret[i]));
}

static void test_many_share_a_connection(void)
{
    World world = world_new(UDP_IGNORE, TCP_ANSWER_BACKWARDS);
    DnsExchange *exchanges[200];
    Count count = { 0 };

    world.responder->expected = 200;
    start_many(&world, true, 200, &count, exchanges);
    run_until(world.event, &count.n_called, 200);
    ASSERT_EQ(count.n_answered, 200);
    ASSERT_EQ(world.responder->n_connections, 1);
    /* Later exchanges use the same connection. */
    world.responder->with_tcp = TCP_ANSWER;
    ASSERT_TRUE(ask(&world, true).answered);
    ASSERT_EQ(world.responder->n_connections, 1);
    world_done(&world);
}

/* More exchanges than the limit: the rest wait for their turn. Ids and ports differ. */
static void test_many_datagrams(void)
{
    World world = world_new(UDP_ANSWER, TCP_CLOSE);
    unsigned same_port = 0, same_id = 0, neighbours = 0;
    const Responder *r = world.responder;
    DnsExchange *exchanges[2 * DNS_EXCHANGES_MAX];
    Count count = { 0 };

    start_many(&world, false, 2 * DNS_EXCHANGES_MAX, &count, exchanges);
    run_until(world.event, &count.n_called, 2 * DNS_EXCHANGES_MAX);
    ASSERT_EQ(count.n_answered, 2 * DNS_EXCHANGES_MAX);
    for (unsigned i = 1; i < DNS_EXCHANGES_MAX; i++) {
        same_port += r->ports[i] == r->ports[i - 1];
        same_id += r->ids[i] == r->ids[i - 1];
        neighbours += r->ids[i] == r->ids[i - 1] + 1;
    }
    ASSERT_TRUE(same_port < 8);
    ASSERT_EQ(same_id, 0);
    ASSERT_TRUE(neighbours < 8);
    world_done(&world);
}

/* While a server answers byte by byte, new exchanges use another connection. */
static void test_stale(void)
{
    World world = world_new(UDP_IGNORE, TCP_DRIP);
    Result result = ask(&world, true);

    ASSERT_EQ(result.error, -ETIMEDOUT);
    world.responder->with_tcp = TCP_ANSWER;
    ASSERT_TRUE(ask(&world, true).answered);
    ASSERT_EQ(world.responder->n_connections, 2);
    world_done(&world);
}

/* An answer that is too large affects no other exchange. */
static void test_oversized(void)
{
    World world = world_new(UDP_IGNORE, TCP_ANSWER);
    Result results[3] = { 0 };

    world.responder->oversized = 2;
    for (size_t i = 0; i < ELEMENTSOF(results); i++)
        start(world.pool, &world.responder->server, true, NULL, &results[i]);
    for (size_t i = 0; i < ELEMENTSOF(results); i++) {
        run_until(world.event, &results[i].n_called, 1);
        ASSERT_EQ(results[i].error, i == 1 ? -EFBIG : 0);
    }
    ASSERT_TRUE(dns_error_is_uncertain(-EFBIG));
    ASSERT_TRUE(ask(&world, true).answered);
    ASSERT_EQ(world.responder->n_connections, 1);
    world_done(&world);
}

/* A connection that the server closed while idle is replaced without an error. */
static void test_closed_when_idle(void)
{
    World world = world_new(UDP_IGNORE, TCP_ANSWER_AND_CLOSE);

    for (unsigned i = 1; i < 4; i++) {
        ASSERT_TRUE(ask(&world, true).answered);
        ASSERT_EQ(world.responder->n_connections, i);
    }
    world_done(&world);
}

/* A server that closes after each answer gets one connection for each. */
static void test_closed_after_each(void)
{
    World world = world_new(UDP_IGNORE, TCP_ANSWER_AND_CLOSE);
    DnsExchange *exchanges[CONNECTIONS_MAX];
    Count count = { 0 };

    start_many(&world, true, CONNECTIONS_MAX, &count, exchanges);
    run_until(world.event, &count.n_called, CONNECTIONS_MAX);
    ASSERT_EQ(count.n_answered, CONNECTIONS_MAX);
    ASSERT_EQ(world.responder->n_connections, CONNECTIONS_MAX);
    world_done(&world);
}

static void test_cancelled(void)
{
    World world = world_new(UDP_ANSWER, TCP_ANSWER);
    Result cancelled = { 0 };

    for (unsigned by_tcp = 0; by_tcp < 2; by_tcp++) {
        DnsExchange *exchange =
            start(world.pool, &world.responder->server, by_tcp, NULL, &cancelled);

        dns_exchange_cancel(exchange);
        ASSERT_TRUE(ask(&world, by_tcp).answered);
    }
    for (unsigned by_tcp = 0; by_tcp < 2; by_tcp++)
        start(world.pool, &world.responder->server, by_tcp, NULL, &cancelled);
    world_done(&world);
    ASSERT_EQ(cancelled.n_called, 0);
}

/* Those that wait for their turn are not started in place of others that are cancelled with them.
 */
static void test_cancelled_together(void)
{
    World world = world_new(UDP_IGNORE, TCP_ANSWER);
    DnsExchange *exchanges[DNS_EXCHANGES_MAX + 8];
    Count count = { 0 };

    start_many(&world, true, ELEMENTSOF(exchanges), &count, exchanges);
    for (size_t i = 0; i < ELEMENTSOF(exchanges); i++)
        dns_exchange_cancel(exchanges[i]);
    ASSERT_TRUE(ask(&world, true).answered);
    ASSERT_EQ(world.responder->n_messages, DNS_EXCHANGES_MAX + 1);
    ASSERT_EQ(count.n_called, 0);
    world_done(&world);
}

/* ---- ask ----------------------------------------------------------------------------------- */

static void on_outcome(const DnsOutcome *outcome, void *userdata)
{
    Result *result = userdata;

    result->n_called++;
    result->answered = outcome->answer;
    result->error = (int)outcome->uncertain->n;
    snprintf(result->trouble, sizeof(result->trouble), "%s", str_or(outcome->trouble, ""));
}

static Result ask_servers(World *world, const DnsServers *servers, DnsUse use)
{
    DnsAskRequest request = { .servers = servers, .use = use, .timeout = TIMEOUT };
    Result result = { 0 };
    DnsAsk *running;

    ASSERT_OK(dns_query_new("www.example.org", LDNS_RR_TYPE_TXT, false, &request.message));
    ASSERT_OK(dns_ask_start(world->pool, &request, on_outcome, &result, &running));
    run_until(world->event, &result.n_called, 1);
    return result;
}

static void test_one_after_the_other(void)
{
    World world = world_new(UDP_ANSWER, TCP_CLOSE);
    DnsServers servers = { 0 };
    char expected[256];
    DnsServer nobody;
    Result result;

    ASSERT_OK(dns_server_parse("127.0.0.1:1", &nobody));
    ASSERT_OK(dns_servers_add(&servers, &nobody));
    ASSERT_OK(dns_servers_add(&servers, &world.responder->server));
    result = ask_servers(&world, &servers, DNS_USE_RESOLVED);
    ASSERT_TRUE(result.answered);

    result = ask_servers(&world, &servers, DNS_USE_AUTHORITATIVE);
    ASSERT_FALSE(result.answered);
    snprintf(expected, sizeof(expected),
             "127.0.0.1:1: its UDP port is closed; %s: it is not authoritative for the name",
             world.responder->server.text);
    ASSERT_STREQ(result.trouble, expected);

    result = ask_servers(&world, &servers, DNS_USE_GRANTED);
    ASSERT_EQ(result.error, 1); /* not the server that was never reached */
    snprintf(expected, sizeof(expected),
             "127.0.0.1:1: its TCP port is closed; %s: it closed the connection",
             world.responder->server.text);
    ASSERT_STREQ(result.trouble, expected);
    dns_servers_done(&servers);
    world_done(&world);
}

/* A server that does not answer delays the others by no more than DNS_ASK_NEXT. */
static void test_side_by_side(void)
{
    World world = world_new(UDP_IGNORE, TCP_CLOSE);
    Responder *second = responder_new(world.event);
    DnsAskRequest request = { .use = DNS_USE_RESOLVED, .timeout = 60 * USEC_PER_SEC };
    DnsServers servers = { 0 };
    Result result = { 0 };
    DnsAsk *running;

    ASSERT_OK(dns_servers_add(&servers, &world.responder->server));
    ASSERT_OK(dns_servers_add(&servers, &second->server));
    request.servers = &servers;
    ASSERT_OK(dns_query_new("www.example.org", LDNS_RR_TYPE_TXT, false, &request.message));
    ASSERT_OK(dns_ask_start(world.pool, &request, on_outcome, &result, &running));
    run_until(world.event, &result.n_called, 1);
    ASSERT_TRUE(result.answered);
    ASSERT_EQ(world.responder->n_datagrams, 1);
    ASSERT_EQ(second->n_datagrams, 1);
    responder_free(second);
    dns_servers_done(&servers);
    world_done(&world);
}

/* A callback may free all that the request used, while it waits for other servers. */
typedef struct Freed {
    World world;
    DnsServers servers;
    unsigned n_called;
} Freed;

static void on_outcome_free(const DnsOutcome *outcome, void *userdata)
{
    Freed *freed = userdata;

    ASSERT_TRUE(outcome->answer && outcome->server);
    freed->n_called++;
    dns_servers_done(&freed->servers);
    freed->world.pool = dns_pool_free(freed->world.pool);
}

static void test_callback_frees(void)
{
    Freed freed = { .world = world_new(UDP_IGNORE, TCP_CLOSE) };
    Responder *second = responder_new(freed.world.event);
    DnsAskRequest request = { .servers = &freed.servers,
                              .use = DNS_USE_RESOLVED,
                              .timeout = 60 * USEC_PER_SEC };
    DnsAsk *running;

    ASSERT_OK(dns_servers_add(&freed.servers, &freed.world.responder->server));
    ASSERT_OK(dns_servers_add(&freed.servers, &second->server));
    ASSERT_OK(dns_query_new("www.example.org", LDNS_RR_TYPE_TXT, false, &request.message));
    ASSERT_OK(dns_ask_start(freed.world.pool, &request, on_outcome_free, &freed, &running));
    run_until(freed.world.event, &freed.n_called, 1);
    responder_free(second);
    world_done(&freed.world);
}

int main(void)
{
    test_servers();
    test_nobody_there();
    test_no_interface();
    test_resent();
    test_unsigned();
    test_no_signature();
    test_key_is_not_accepted();
    test_many_share_a_connection();
    test_many_datagrams();
    test_stale();
    test_oversized();
    test_closed_when_idle();
    test_closed_after_each();
    test_cancelled();
    test_cancelled_together();
    test_one_after_the_other();
    test_side_by_side();
    test_callback_frees();
    return EXIT_SUCCESS;
}
