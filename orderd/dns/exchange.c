/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/exchange.h"

#include <stdio.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "dns/connection.h"
#include "event/timer.h"

/* Delay before a datagram is sent again, because it may be lost. Doubled each time. */
#define RESEND_FIRST USEC_PER_SEC
/* Foreign datagrams that are ignored before the exchange changes to TCP, where none can intrude. */
#define STRAYS_MAX 32U
/* A server sends no more than this unless the request allows it. */
#define DATAGRAM_SIZE_MAX 4096U
#define IDLE_MAX          (5 * USEC_PER_SEC)

typedef struct SharedConnection SharedConnection;

/* A TCP connection and its users. */
struct SharedConnection {
    DnsPool *pool;
    LIST_ENTRY(SharedConnection) list;
    DnsServer server;
    DnsConnection *connection;
    sd_event_source *idle;
    size_t n_users;
    bool has_answered;
    bool is_stale; /* an answer was late: new exchanges use another connection */
};

struct DnsExchange {
    DnsPool *pool;
    TAILQ_ENTRY(DnsExchange) list;
    bool is_active;
    DnsServer server;
    ldns_pkt *request;
    const TsigKey *key;
    bool by_tcp;
    usec_t timeout, resend_after;
    uint16_t id;
    uint8_t *wire;
    size_t size;
    unsigned n_strays;
    char refused[DNS_WORDS_SIZE]; /* of the reply */
    int signature_error;          /* of a datagram that was an answer otherwise; 0: none was */
    int error;                    /* to report from the event loop */
    int fd;
    sd_event_source *io, *resend, *deadline;
    SharedConnection *shared;
    dns_exchange_cb callback;
    void *userdata;
};

struct DnsPool {
    sd_event *event;
    LIST_HEAD(, SharedConnection) connections;
    TAILQ_HEAD(, DnsExchange) active, waiting;
    size_t n_active;
    sd_event_source *turn; /* gives free places to those that wait */
};

static int send_by_tcp(DnsExchange *e);
static bool ask_unsigned(DnsExchange *e, const ldns_pkt *answer);

static bool is_signature_error(int error)
{
    return error == -ENOKEY || error == -EKEYREJECTED;
}

bool dns_error_is_uncertain(int error)
{
    return error == -ETIMEDOUT || error == -ECONNRESET || error == -EPIPE || error == -EBADMSG ||
           error == -EFBIG || is_signature_error(error);
}

static void shared_free(SharedConnection *shared)
{
    LIST_REMOVE(shared, list);
    sd_event_source_disable_unref(shared->idle);
    dns_connection_free(shared->connection);
    free(shared);
}

static int shared_on_idle(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    shared_free(userdata);
    return 0;
}

static void leave_connection(DnsExchange *e)
{
    SharedConnection *shared = TAKE_PTR(e->shared);

    if (!shared || --shared->n_users > 0)
        return;
    if (shared->is_stale || timer_arm(shared->idle, IDLE_MAX) < 0)
        shared_free(shared);
}

static void stop_udp(DnsExchange *e)
{
    e->io = sd_event_source_disable_unref(e->io);
    e->resend = sd_event_source_disable_unref(e->resend);
    e->fd = safe_close(e->fd);
}

static void exchange_free(DnsExchange *e)
{
    DnsPool *pool = e->pool;

    if (e->is_active) {
        TAILQ_REMOVE(&pool->active, e, list);
        pool->n_active--;
    } else {
        TAILQ_REMOVE(&pool->waiting, e, list);
    }
    stop_udp(e);
    leave_connection(e);
    sd_event_source_disable_unref(e->deadline);
    ldns_pkt_free(e->request);
    free(e->wire);
    free(e);
    if (!TAILQ_EMPTY(&pool->waiting))
        (void)timer_arm(pool->turn, 0);
}

DnsExchange *dns_exchange_cancel(DnsExchange *e)
{
    if (e)
        exchange_free(e);
    return NULL;
}

/* A packet filter may block one of UDP and TCP alone. */
static const char *words_of(const DnsExchange *e, int error)
{
    bool by_udp = e->fd >= 0;

    switch (error) {
    case -ETIMEDOUT:
        return by_udp ? "no answer by UDP in time" : "no answer by TCP in time";
    case -ETIME:
        return "no TCP connection in time";
    case -ECONNREFUSED:
        return by_udp ? "its UDP port is closed" : "its TCP port is closed";
    case -EBADMSG:
        return "its answer is invalid";
    case -EFBIG:
        return "its answer is larger than 16 KiB";
    case -ENOKEY:
        return ldns_pkt_get_opcode(e->request) == LDNS_PACKET_QUERY
                   ? "its answer is not signed with the TSIG key (if it cannot sign answers to "
                     "queries, set sign-queries = no)"
                   : "its answer is not signed with the TSIG key";
    case -EKEYREJECTED:
        return "the TSIG signature of its answer is wrong";
    case -ECONNRESET:
    case -EPIPE:
        return "it closed the connection";
    case -ENODEV:
        return "its network interface does not exist";
    default:
        return strerror(-error);
    }
}

static void exchange_end(DnsExchange *e, const ldns_pkt *answer, int error)
{
    char buf[DNS_WORDS_SIZE], refused[DNS_WORDS_SIZE];
    DnsReply reply = { .answer = answer,
                       .error = error,
                       .trouble = answer ? dns_answer_words(answer, buf) : words_of(e, error),
                       .refused = memcpy(refused, e->refused, sizeof(refused)) };
    dns_exchange_cb callback = e->callback;
    void *userdata = e->userdata;

    exchange_free(e);
    callback(&reply, userdata);
}

/* Reports an error from the event loop, by the deadline's timer. */
static void fail_soon(DnsExchange *e, int error)
{
    e->error = error;
    (void)timer_arm(e->deadline, 0);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    DnsExchange *e = userdata;

    (void)source;
    (void)usec;
    if (e->error == 0 && e->shared && !dns_connection_is_made(e->shared->connection))
        e->error = -ETIME;
    else if (e->error == 0)
        e->error = e->signature_error < 0 ? e->signature_error : -ETIMEDOUT;
    if (e->shared)
        e->shared->is_stale = true;
    exchange_end(e, NULL, e->error);
    return 0;
}

/* ---- TCP --------------------------------------------------------------------------------- */

static DnsExchange *find_user(const SharedConnection *shared, int id)
{
    DnsExchange *e;

    TAILQ_FOREACH (e, &shared->pool->active, list)
        if (e->shared == shared && (id < 0 || e->id == id))
            return e;
    return NULL;
}

static void shared_on_message(DnsConnection *connection, const uint8_t *wire, size_t size,
                              void *userdata)
{
    SharedConnection *shared = userdata;
    DnsExchange *e = find_user(shared, dns_wire_id(wire));
    _cleanup_(dns_packet_freep) ldns_pkt *answer = NULL;
    int r;

    (void)connection;
    /* The exchange was cancelled. */
    if (!e)
        return;
    shared->has_answered = true;
    r = dns_answer_parse(e->request, e->key, wire, size, &answer);
    if (!answer || !ask_unsigned(e, answer))
        exchange_end(e, answer, r);
}

/* A server may close a connection just when it is used again, or after each answer. As long as each
 * connection brings at least one answer, all exchanges end. 0; -errno: the error to report. */
static int try_again(DnsExchange *e, const SharedConnection *shared, int error)
{
    if (e->error < 0)
        return e->error;
    return shared->has_answered && error != -EBADMSG ? send_by_tcp(e) : error;
}

static void shared_on_end(DnsConnection *connection, int error, void *userdata)
{
    SharedConnection *shared = userdata;
    DnsExchange *e;

    (void)connection;
    shared->is_stale = true;
    shared->n_users++; /* keep it until all have left */
    while ((e = find_user(shared, -1))) {
        int r;

        leave_connection(e);
        r = try_again(e, shared, error);
        if (r < 0)
            exchange_end(e, NULL, r);
    }
    shared_free(shared);
}

static int shared_new(DnsPool *pool, const DnsServer *server, SharedConnection **ret)
{
    SharedConnection *shared = calloc(1, sizeof(*shared));
    int r;

    if (!shared)
        return -ENOMEM;
    shared->pool = pool;
    shared->server = *server;
    LIST_INSERT_HEAD(&pool->connections, shared, list);
    r = timer_new(pool->event, shared_on_idle, shared, &shared->idle);
    if (r >= 0)
        r = dns_connection_new(pool->event, server, shared_on_message, shared_on_end, shared,
                               &shared->connection);
    if (r < 0) {
        shared_free(shared);
        return r;
    }
    *ret = shared;
    return 0;
}

static int shared_get(DnsPool *pool, const DnsServer *server, SharedConnection **ret)
{
    SharedConnection *shared;

    LIST_FOREACH (shared, &pool->connections, list)
        if (!shared->is_stale && dns_server_equal(&shared->server, server)) {
            *ret = shared;
            return timer_disarm(shared->idle);
        }
    return shared_new(pool, server, ret);
}

static int send_by_tcp(DnsExchange *e)
{
    SharedConnection *shared;
    int r = shared_get(e->pool, &e->server, &shared);

    if (r < 0)
        return r;
    e->shared = shared;
    shared->n_users++;
    return dns_connection_send(shared->connection, e->wire, e->size);
}

/* ---- UDP --------------------------------------------------------------------------------- */

static void turn_to_tcp(DnsExchange *e)
{
    int r;

    stop_udp(e);
    e->signature_error = 0;
    r = send_by_tcp(e);
    if (r < 0)
        fail_soon(e, r);
}

static void ignore_datagram(DnsExchange *e)
{
    if (++e->n_strays == STRAYS_MAX)
        turn_to_tcp(e);
}

static bool is_truncated(const uint8_t *data, size_t size)
{
    return size > 2 && (data[2] & 0x02);
}

static void take_datagram(DnsExchange *e, const uint8_t *data, size_t size)
{
    _cleanup_(dns_packet_freep) ldns_pkt *answer = NULL;
    int r = size > DATAGRAM_SIZE_MAX ? -EMSGSIZE
                                     : dns_answer_parse(e->request, e->key, data, size, &answer);

    /* What has no signature by UDP may be forged, but TCP is only slower. */
    if (r == -EMSGSIZE ||
        (r >= 0 && (ldns_pkt_tc(answer) || (e->key && dns_answer_lacks_key(answer)))) ||
        (is_signature_error(r) && is_truncated(data, size)))
        turn_to_tcp(e);
    else if (r >= 0 || r == -ENOMEM)
        exchange_end(e, answer, r);
    else {
        /* Anyone may have sent it: the server's answer may still come (RFC 8945 §5.4). */
        if (is_signature_error(r))
            e->signature_error = r;
        ignore_datagram(e);
    }
}

/* The socket is connected: the kernel delivers only datagrams from the server. */
static int on_datagram(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    uint8_t data[DATAGRAM_SIZE_MAX];
    DnsExchange *e = userdata;
    ssize_t n = recv(fd, data, sizeof(data), MSG_TRUNC);

    (void)source;
    (void)revents;
    if (n >= 0)
        take_datagram(e, data, (size_t)n);
    else if (errno != EAGAIN && errno != EINTR)
        exchange_end(e, NULL, -errno);
    return 0;
}

/* If the kernel has no room for it, it is sent again like a lost datagram. */
static int send_datagram(const DnsExchange *e)
{
    ssize_t n = send(e->fd, e->wire, e->size, MSG_NOSIGNAL);

    return n < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR ? -errno : 0;
}

static int on_resend(sd_event_source *source, uint64_t usec, void *userdata)
{
    DnsExchange *e = userdata;
    int r = send_datagram(e);

    (void)usec;
    if (r < 0) {
        exchange_end(e, NULL, r);
        return 0;
    }
    e->resend_after *= 2;
    (void)timer_arm(source, e->resend_after);
    return 0;
}

static int send_by_udp(DnsExchange *e)
{
    sd_event *event = e->pool->event;
    int r;

    e->fd = socket(e->server.address.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (e->fd < 0 || connect(e->fd, &e->server.address.sa, e->server.size) < 0)
        return -errno;
    e->resend_after = RESEND_FIRST;
    r = sd_event_add_io(event, &e->io, e->fd, EPOLLIN, on_datagram, e);
    if (r >= 0)
        r = timer_start(event, e->resend_after, on_resend, e, &e->resend);
    return r < 0 ? r : send_datagram(e);
}

/* ---- both -------------------------------------------------------------------------------- */

static bool is_id_taken(const DnsPool *pool, uint16_t id)
{
    const DnsExchange *e;

    TAILQ_FOREACH (e, &pool->active, list)
        if (e->wire && e->id == id)
            return true;
    return false;
}

static int choose_id(const DnsPool *pool, uint16_t *ret)
{
    do
        if (getrandom(ret, sizeof(*ret), 0) != sizeof(*ret))
            return -EIO;
    while (is_id_taken(pool, *ret));
    return 0;
}

/* Encodes the request with a new id. */
static int encode(DnsExchange *e)
{
    uint8_t *wire;
    uint16_t id;
    size_t size;
    int r = choose_id(e->pool, &id);

    if (r >= 0)
        r = dns_request_encode(e->request, id, e->key, &wire, &size);
    if (r < 0)
        return r;
    free(e->wire);
    e->id = id;
    e->wire = wire;
    e->size = size;
    return 0;
}

/* Repeats a query without the key that the server lacks, by TCP. False: the answer stands. */
static bool ask_unsigned(DnsExchange *e, const ldns_pkt *answer)
{
    int r;

    if (!e->key || !dns_answer_lacks_key(answer))
        return false;
    (void)dns_answer_words(answer, e->refused);
    e->key = NULL;
    e->signature_error = 0;
    r = encode(e);
    if (r >= 0)
        r = dns_connection_send(e->shared->connection, e->wire, e->size);
    if (r < 0)
        fail_soon(e, r);
    return true;
}

static int activate(DnsExchange *e)
{
    int r = timer_arm(e->deadline, e->timeout);

    if (r >= 0)
        r = encode(e);
    if (r >= 0 && dns_server_lacks_interface(&e->server))
        r = -ENODEV;
    if (r < 0)
        return r;
    return e->by_tcp ? send_by_tcp(e) : send_by_udp(e);
}

static void start_waiting(DnsPool *pool)
{
    DnsExchange *e;

    while (pool->n_active < DNS_EXCHANGES_MAX && (e = TAILQ_FIRST(&pool->waiting))) {
        int r;

        TAILQ_REMOVE(&pool->waiting, e, list);
        TAILQ_INSERT_TAIL(&pool->active, e, list);
        e->is_active = true;
        pool->n_active++;
        r = activate(e);
        if (r < 0)
            fail_soon(e, r);
    }
}

static int on_turn(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    start_waiting(userdata);
    return 0;
}

int dns_exchange_start(DnsPool *pool, const DnsRequest *request, dns_exchange_cb callback,
                       void *userdata, DnsExchange **ret)
{
    DnsExchange *e = calloc(1, sizeof(*e));
    int r;

    if (!e)
        return -ENOMEM;
    e->pool = pool;
    e->fd = -EBADF;
    e->server = *request->server;
    e->key = request->key;
    e->by_tcp = request->by_tcp;
    e->timeout = request->timeout;
    e->callback = callback;
    e->userdata = userdata;
    e->request = ldns_pkt_clone(request->message);
    r = e->request ? timer_new(pool->event, on_deadline, e, &e->deadline) : -ENOMEM;
    TAILQ_INSERT_TAIL(&pool->waiting, e, list);
    if (r < 0) {
        exchange_free(e);
        return r;
    }
    *ret = e;
    start_waiting(pool);
    return 0;
}

int dns_pool_new(sd_event *event, DnsPool **ret)
{
    DnsPool *pool = calloc(1, sizeof(*pool));
    int r;

    if (!pool)
        return -ENOMEM;
    r = timer_new(event, on_turn, pool, &pool->turn);
    if (r < 0) {
        free(pool);
        return r;
    }
    pool->event = sd_event_ref(event);
    LIST_INIT(&pool->connections);
    TAILQ_INIT(&pool->active);
    TAILQ_INIT(&pool->waiting);
    *ret = pool;
    return 0;
}

sd_event *dns_pool_event(const DnsPool *pool)
{
    return pool->event;
}

DnsPool *dns_pool_free(DnsPool *pool)
{
    DnsExchange *e;
    SharedConnection *shared;

    if (!pool)
        return NULL;
    while ((e = TAILQ_FIRST(&pool->waiting)) || (e = TAILQ_FIRST(&pool->active)))
        exchange_free(e);
    while ((shared = LIST_FIRST(&pool->connections)))
        shared_free(shared);
    sd_event_source_disable_unref(pool->turn);
    sd_event_unref(pool->event);
    free(pool);
    return NULL;
}
