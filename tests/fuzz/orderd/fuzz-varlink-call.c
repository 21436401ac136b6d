/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes that a client of orderd's socket sends, in random pieces, to the whole service: the
 * first byte of the input decides the pieces, the second when the client reads and leaves. A
 * letter after '%' stands for something that a mutation would never hit: see expand(). */

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "input-file.h"
#include "input-pieces.h"
#include "log/log.h"
#include "make-x509.h"
#include "service.h"
#include "statedir/kept-chain.h"
#include "statedir/pause.h"
#include "statedir/revoked-key.h"
#include "statedir/storage/cache.h"
#include "strings/encode.h"
#include "varlink/limits.h"

#define CALLS_SIZE ((size_t)128 * 1024)
#define YEAR       (365L * 86400)
/* An event loop that does as much for one piece is endless. */
#define ROUNDS_MAX 100000U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bits of the second byte. */
enum {
    LEAVES = 1, /* closes its connection, and reads no answer */
    ENDS = 2,   /* closes its sending side */
    NEVER_READS = 4,
    CLOSES = 8,   /* the server is closed while the client is connected */
    CROWD = 255,  /* more clients than may wait and may connect send the same */
    ANOTHER = 16, /* another client sends the same */
};

/* A request that a call can name. */
typedef struct Sample {
    const char *san;
    char *body, *csr; /* the request, and the same in base64 */
    char *chain;
    char key[STORAGE_KEY_SIZE];
} Sample;

static Sample samples[] = {
    { .san = "DNS:cached.example.org" }, /* in the storage */
    { .san = "DNS:kept.example.org" },   /* in the file of an order */
    { .san = "DNS:new.example.org" },    /* nowhere */
    { .san = "DNS:other.example.com" },  /* not permitted */
    { .san = "DNS:bad.example.org" },    /* its key is revoked */
};

enum { CACHED, KEPT, NEW, OTHER, REVOKED };

typedef struct Bed {
    sd_event *event;
    Service service;
    VarlinkServer *server;
} Bed;

static const char settings[] =
    "[logging]\nlevel=critical\n"
    /* One CA has no account here, the other one never answers. */
    "[account \"none\"]\nacme-server=https://127.0.0.1:1/directory\n"
    "[account \"slow\"]\nacme-server=https://127.0.0.1:%u/directory\n"
    "accept-terms-of-service=yes\n"
    "[state]\ndirectory=%s\n"
    "[verification \"http\"]\ntype=http01\nlistener=127.0.0.1:1380\n"
    "[storage \"cache\"]\ntype=file\ndirectory=%s/cache\n"
    "[storage \"nowhere\"]\ntype=none\n"
    "[auth \"web\"]\nip=192.0.2.1\ndomain=*.example.org\nverification=http\nstorage=cache\n"
    "account=none\n"
    "[auth \"bare\"]\nip=192.0.2.2\ndomain=*.example.org\nverification=http\nstorage=nowhere\n"
    "account=slow\n"
    "[auth \"some\"]\nip=192.0.2.3\ndomain=www.example.org\nverification=http\nstorage=cache\n"
    "account=none\n"
    /* Its directory is a file. */
    "[storage \"broken\"]\ntype=file\ndirectory=%s/acmems.ini\n"
    "[auth \"broken\"]\nip=192.0.2.4\ndomain=*.example.org\nverification=http\nstorage=broken\n"
    "account=none\n";

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static char config_path[PATH_MAX];
static int listener;

/* Returns the port of a server that accepts no connection. */
static unsigned make_slow_ca(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT_OK(bind(fd, (struct sockaddr *)&in, sizeof(in)));
    ASSERT_OK(listen(fd, 1));
    ASSERT_OK(getsockname(fd, (struct sockaddr *)&in, &length));
    return ntohs(in.sin_port);
}

static void sample_make(Sample *sample)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");

    sample->body = make_request(key, NULL, sample->san);
    sample->csr = base64_encode((const uint8_t *)sample->body, strlen(sample->body));
    sample->chain = make_certificate(key, sample->san, -86400, YEAR);
    ASSERT_OK(storage_key(sample->body, strlen(sample->body), sample->key));
    if (sample == &samples[REVOKED])
        ASSERT_OK(revoked_key_save(input_place(), key, "01", time(NULL)));
}

static void store_cached(void)
{
    _cleanup_(sign_request_done) SignRequest request = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;
    const Sample *sample = &samples[CACHED];
    char directory[PATH_MAX];
    const Storage storage = { .type = STORAGE_FILE, .directory = directory };
    const CachedFrom from = { .auth = "bare" };
    const char *why;
    Renewal renewal;

    (void)snprintf(directory, sizeof(directory), "%s/cache", input_place());
    ASSERT_OK(mkdir(directory, 0700));
    ASSERT_OK(sign_request_init(&request, sample->body, strlen(sample->body)));
    ASSERT_OK(sign_request_parse(&request, &why));
    ASSERT_OK(chain_parse(sample->chain, strlen(sample->chain), &chain, &why));
    ASSERT_OK(cached_store(&storage, &request, chain, &from, &renewal));
}

/* The CA of the block "web" limits the rate. */
static void pause_server(void)
{
    static char server[] = "https://127.0.0.1:1/directory", what[] = "", reason[] = "Too many.",
                problem[] = "rateLimited";
    const Pause pause = {
        .kind = PAUSE_SERVER,
        .server = server,
        .what = what,
        .until = time(NULL) + PAUSE_MAX - 60,
        .count = 1,
        .status = 429,
        .reason = reason,
        .problem = problem,
    };

    ASSERT_OK(pause_save(input_place(), &pause));
}

/* The service forgets the order when the chain is taken. */
static void keep_chain(void)
{
    static char server[] = "https://127.0.0.1:1/directory", auth[] = "web", id[] = "0123";
    const Sample *sample = &samples[KEPT];
    const OrderRecord record = {
        .stage = ORDER_STAGE_ISSUED,
        .created = time(NULL),
        .issued = time(NULL),
        .server = server,
        .auth = auth,
        .body = sample->body,
        .body_size = strlen(sample->body),
        .request_id = id,
        .chain = sample->chain,
    };
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/orders/%s.json", input_place(), sample->key);
    if (access(path, F_OK) < 0)
        ASSERT_OK(order_record_save(input_place(), sample->key, &record));
}

/* What is the same for all inputs. */
static void prepare(void)
{
    _cleanup_free_ char *text = NULL;

    log_set_max_level(LOG_CRIT);
    for (size_t i = 0; i < ELEMENTSOF(samples); i++)
        sample_make(&samples[i]);
    store_cached();
    pause_server();
    ASSERT_TRUE(
        asprintf(&text, settings, make_slow_ca(), input_place(), input_place(), input_place()) > 0);
    input_write("acmems.ini", (const uint8_t *)text, strlen(text));
    (void)snprintf(config_path, sizeof(config_path), "%s/acmems.ini", input_place());
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", input_place());
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_OK(bind(listener, (struct sockaddr *)&address, sizeof(address)));
    ASSERT_OK(listen(listener, 16));
}

static void on_change(void *userdata)
{
    (void)userdata;
}

static void bed_make(Bed *bed)
{
    static const Solvers solvers = { .http01_fd = -EBADF };
    Service *service = &bed->service;

    keep_chain();
    ASSERT_OK(sd_event_new(&bed->event));
    ASSERT_OK(config_file_open(config_path, &service->config_file));
    ASSERT_OK(inventory_new(bed->event, on_change, NULL, &service->inventory));
    ASSERT_OK(orders_new(bed->event, &solvers, &service->orders));
    ASSERT_OK(varlink_server_new(bed->event, fcntl(listener, F_DUPFD_CLOEXEC, 0), &orders_interface,
                                 service, &bed->server));
}

static void bed_done(Bed *bed)
{
    varlink_server_free(bed->server);
    orders_free(bed->service.orders);
    inventory_free(bed->service.inventory);
    config_file_free(bed->service.config_file);
    sd_event_unref(bed->event);
}

/* Runs the server until it has nothing to do. */
static void settle(const Bed *bed)
{
    for (unsigned i = 0; i < ROUNDS_MAX; i++) {
        int r = sd_event_run(bed->event, 0);

        if (r < 0)
            abort();
        if (r == 0)
            return;
    }
    abort();
}

static int client_connect(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ASSERT_OK(connect(fd, (const struct sockaddr *)&address, sizeof(address)));
    return fd;
}

/* An answer has parameters, and perhaps an error. */
static void check_answer(const char *frame)
{
    json_auto_t *answer = json_loads(frame, JSON_REJECT_DUPLICATES, NULL);
    const json_t *error = json_object_get(answer, "error");

    if (!json_is_object(json_object_get(answer, "parameters")) ||
        (error ? !json_is_string(error) : json_object_size(answer) != 1))
        abort();
}

/* Returns how many answers are there. */
static size_t client_read(int fd)
{
    static char frames[CALLS_SIZE];
    size_t filled = 0, n_answers = 0;
    ssize_t n;

    while ((n = recv(fd, frames + filled, sizeof(frames) - filled, 0)) > 0)
        filled += (size_t)n;
    for (const char *frame = frames, *end;
         (end = memchr(frame, '\0', filled - (size_t)(frame - frames))); frame = end + 1) {
        check_answer(frame);
        n_answers++;
    }
    return n_answers;
}

static void client_send(const Bed *bed, int fd, const char *calls, size_t size, Pieces pieces)
{
    while (size > 0) {
        ssize_t n = send(fd, calls, pieces_next(&pieces, size), MSG_NOSIGNAL);

        settle(bed);
        if (n < 0) /* the server has ended the connection, or reads no more */
            return;
        calls += n;
        size -= (size_t)n;
    }
}

/* Replaces %a … %e by the samples' requests, %A … %E by their keys. */
static size_t expand(const uint8_t *data, size_t size, char *ret, size_t ret_size)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned letter = i + 1 < size ? data[i + 1] : 0;
        const char *text = NULL;

        if (data[i] == '%' && letter - 'a' < ELEMENTSOF(samples))
            text = samples[letter - 'a'].csr;
        if (data[i] == '%' && letter - 'A' < ELEMENTSOF(samples))
            text = samples[letter - 'A'].key;
        if (n + (text ? strlen(text) : 1) > ret_size)
            break;
        if (text) {
            memcpy(ret + n, text, strlen(text));
            n += strlen(text);
            i++;
        } else
            ret[n++] = (char)data[i];
    }
    return n;
}

static size_t count_ends(const char *calls, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++)
        n += calls[i] == '\0';
    return n;
}

static void on_settled(const Chain *chain, const Failure *failure, void *userdata)
{
    (void)userdata;
    if (!chain == !failure)
        abort();
}

/* As many clients wait for the order of one request as may. */
static void fill_order(const Bed *bed)
{
    Config *config = config_file_get(bed->service.config_file);
    const OrdersCall call = { .caller.request_id = "0123", .callback = on_settled };
    _cleanup_(sign_request_done) SignRequest request = { 0 };
    const Sample *sample = &samples[NEW];
    OrdersWaiter *waiter;
    Failure failure = { 0 };
    const char *why;
    int r;

    ASSERT_OK(sign_request_init(&request, sample->body, strlen(sample->body)));
    request.auth = config_find_auth(config, "bare");
    do {
        /* The order takes it over. */
        if (!request.csr)
            ASSERT_OK(sign_request_parse(&request, &why));
        r = orders_request(bed->service.orders, config, &request, &call, &waiter, &failure);
    } while (r == 0);
    ASSERT_EQ(r, -EUSERS);
}

static void crowd(const Bed *bed, const char *calls, size_t size)
{
    static bool is_full; /* once in each process, as it takes its time */
    int fds[VARLINK_CONNECTIONS_PER_PROCESS + 2];

    if (!is_full)
        fill_order(bed);
    is_full = true;
    for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
        fds[i] = client_connect();
        client_send(bed, fds[i], calls, size, pieces_of(0));
    }
    for (size_t i = 0; i < ELEMENTSOF(fds); i++)
        safe_close(fds[i]);
    settle(bed);
}

static void on_idle(void *userdata)
{
    bool *is_idle = userdata;

    if (*is_idle)
        abort();
    *is_idle = true;
}

static void run(const Bed *bed, unsigned flags, const char *calls, size_t size, Pieces pieces)
{
    bool is_idle = false;
    int fd = client_connect(), other = flags & ANOTHER ? client_connect() : -EBADF;

    client_send(bed, fd, calls, size, pieces);
    if (flags & LEAVES)
        safe_close(TAKE_FD(fd));
    if (flags & ENDS && fd >= 0)
        (void)shutdown(fd, SHUT_WR);
    if (other >= 0)
        client_send(bed, other, calls, size, pieces);
    if (flags & CLOSES)
        varlink_server_close(bed->server, on_idle, &is_idle);
    settle(bed);
    if (!(flags & (LEAVES | NEVER_READS)) && client_read(fd) > count_ends(calls, size))
        abort();
    safe_close(fd);
    safe_close(other);
    settle(bed);
    if (!varlink_server_is_idle(bed->server))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char calls[CALLS_SIZE];
    Bed bed = { 0 };
    unsigned flags;
    Pieces pieces;

    if (size < 2)
        return 0;
    pieces = pieces_of(data[0]);
    flags = data[1];
    if (!*config_path)
        prepare();
    bed_make(&bed);
    size = expand(data + 2, size - 2, calls, sizeof(calls));
    if (flags == CROWD)
        crowd(&bed, calls, size);
    else
        run(&bed, flags, calls, size, pieces);
    bed_done(&bed);
    return 0;
}
