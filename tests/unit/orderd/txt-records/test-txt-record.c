/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "txt-records/txt-record.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "loading/load.h"
#include "statedir/dns-record.h"
#include "strings/strv.h"
#include "test-directory.h"
#include "test.h"

#define CONNECTIONS_MAX 16

/* Accepts updates. Runs on the same event loop as the code under test. */
typedef struct Server {
    sd_event *event;
    int listener;
    DnsServer address;
    ldns_pkt_rcode rcode; /* of its answers */
    bool holds;           /* it answers only when the test says so */
    char done[64];        /* the updates: "+" to add, "-" to remove */
    size_t n_done;
    int fds[CONNECTIONS_MAX];
    size_t n_fds;
    int held_fd;
    uint8_t held[1024];
    size_t n_held;
} Server;

static void server_answer(Server *server)
{
    server->held[4] |= 0x80;
    server->held[5] = (uint8_t)((server->held[5] & 0xf0) | server->rcode);
    ASSERT_EQ(send(server->held_fd, server->held, server->n_held, MSG_NOSIGNAL), server->n_held);
}

static char kind_of(const uint8_t *wire, size_t size)
{
    _cleanup_(dns_packet_freep) ldns_pkt *update = NULL;
    const ldns_rr_list *records;

    ASSERT_EQ(ldns_wire2pkt(&update, wire, size), LDNS_STATUS_OK);
    records = ldns_pkt_authority(update);
    ASSERT_EQ(ldns_rr_list_rr_count(records), 1);
    return ldns_rr_get_class(ldns_rr_list_rr(records, 0)) == LDNS_RR_CLASS_NONE ? '-' : '+';
}

static int on_update(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Server *server = userdata;
    ssize_t n = recv(fd, server->held, sizeof(server->held), 0);

    (void)revents;
    if (n <= 0) {
        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        return 0;
    }
    server->n_held = (size_t)n;
    server->held_fd = fd;
    ASSERT_EQ(n, 2 + (server->held[0] << 8 | server->held[1]));
    ASSERT_TRUE(server->n_done < sizeof(server->done) - 1);
    server->done[server->n_done++] = kind_of(server->held + 2, (size_t)n - 2);
    if (!server->holds)
        server_answer(server);
    return 0;
}

static int on_accept(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Server *server = userdata;
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    (void)source;
    (void)revents;
    ASSERT_TRUE(connection >= 0 && server->n_fds < CONNECTIONS_MAX);
    server->fds[server->n_fds++] = connection;
    ASSERT_TRUE(sd_event_add_io(server->event, NULL, connection, EPOLLIN, on_update, server) >= 0);
    return 0;
}

static void server_start(Server *server, sd_event *event)
{
    SocketAddress address = { .in = { .sin_family = AF_INET } };
    socklen_t length = sizeof(address);
    char text[32];

    *server = (Server){ .event = event };
    address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_OK(bind(server->listener, &address.sa, sizeof(address.in)));
    ASSERT_OK(listen(server->listener, 16));
    ASSERT_OK(getsockname(server->listener, &address.sa, &length));
    snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(address.in.sin_port));
    ASSERT_OK(dns_server_parse(text, &server->address));
    ASSERT_TRUE(sd_event_add_io(event, NULL, server->listener, EPOLLIN, on_accept, server) >= 0);
}

static void server_stop(Server *server)
{
    for (size_t i = 0; i < server->n_fds; i++)
        safe_close(server->fds[i]);
    safe_close(server->listener);
}

/* Two servers. The second one is asked if the first one fails. */
typedef struct World {
    char *directory;
    sd_event *event;
    Server first, second;
    Config *config;
    TxtRecords *records;
    DnsSettings *settings;
} World;

static char zone[] = "example.org", owner[] = "_acme-challenge.www.example.org", value[] = "gfj9Xq",
            block[] = "d", name[] = "www.example.org";

static const DnsText text = { .zone = zone, .owner = owner, .value = value };

static void hear(int level, const char *file, unsigned line, const char *finding, void *userdata)
{
    (void)level;
    (void)userdata;
    fprintf(stderr, "%s:%u: %s\n", file, line, finding);
}

static void world_start(World *world)
{
    _cleanup_free_ char *path = NULL, *why = NULL;
    char content[512];

    world->directory = test_directory_new();
    ASSERT_TRUE(sd_event_new(&world->event) >= 0);
    server_start(&world->first, world->event);
    server_start(&world->second, world->event);
    path = test_path(world->directory, "acmems.ini");
    snprintf(content, sizeof(content),
             "[state]\ndirectory = %s\n[verification \"d\"]\ntype = dns01-dnsUpdate\n"
             "dns-server = %s\ndns-server = %s\nresolver = 127.0.0.1\n",
             world->directory, world->first.address.text, world->second.address.text);
    test_write(world->directory, "acmems.ini", content);
    ASSERT_OK(config_load(path, hear, NULL, &world->config));
    ASSERT_OK(txt_records_new(world->event, &world->records));
    ASSERT_OK(dns_settings_new(txt_records_pool(world->records), world->config,
                               config_find_verification(world->config, block), &why,
                               &world->settings));
}

static void world_end(World *world)
{
    dns_settings_unref(world->settings);
    txt_records_free(world->records);
    config_unref(world->config);
    server_stop(&world->first);
    server_stop(&world->second);
    sd_event_unref(world->event);
    test_directory_freep(&world->directory);
}

static bool is_noted(const World *world)
{
    _cleanup_strv_ char **keys = NULL;

    ASSERT_OK(dns_record_list(world->directory, &keys));
    ASSERT_TRUE(strv_length(keys) < 2);
    return keys;
}

#define RUN_UNTIL(world, condition)                                                                \
    do                                                                                             \
        ASSERT_TRUE(sd_event_run((world)->event, 10 * USEC_PER_SEC) > 0);                          \
    while (!(condition))

/* Runs the loop until nothing is left to do. */
static void run_out(const World *world)
{
    while (sd_event_run(world->event, 0) > 0)
        ;
}

typedef struct Result {
    unsigned n_called;
    char trouble[256];
} Result;

static void on_claimed(const char *trouble, int error, void *userdata)
{
    Result *result = userdata;

    ASSERT_OK(error);
    result->n_called++;
    snprintf(result->trouble, sizeof(result->trouble), "%s", str_or(trouble, ""));
}

static DnsClaim *claim(World *world, Result *result)
{
    const TxtTarget target = { world->settings, name, text };
    DnsClaim *made;

    *result = (Result){ 0 };
    ASSERT_OK(dns_claim_new(world->records, &target, on_claimed, result, &made));
    ASSERT_EQ(result->n_called, 0);
    return made;
}

static void test_comes_and_goes(World *world)
{
    Result result;
    DnsClaim *made = claim(world, &result);

    RUN_UNTIL(world, result.n_called);
    ASSERT_STREQ(result.trouble, "");
    ASSERT_TRUE(is_noted(world));
    dns_claim_release(made);
    RUN_UNTIL(world, !is_noted(world));
    ASSERT_STREQ(world->first.done, "+-");
    ASSERT_STREQ(world->second.done, "");
}

static void test_claimed_twice(World *world)
{
    Result one, two;
    DnsClaim *first = claim(world, &one), *second;

    RUN_UNTIL(world, one.n_called);
    second = claim(world, &two);
    dns_claim_release(first);
    RUN_UNTIL(world, two.n_called);
    ASSERT_TRUE(is_noted(world));
    ASSERT_STREQ(world->first.done, "++");
    dns_claim_release(second);
    RUN_UNTIL(world, !is_noted(world));
    ASSERT_STREQ(world->first.done, "++-");
}

/* The update that the server receives last would win. */
static void test_released_while_it_is_added(World *world)
{
    Result result;
    DnsClaim *made = claim(world, &result);

    world->first.holds = true;
    RUN_UNTIL(world, world->first.n_done == 1);
    dns_claim_release(made);
    run_out(world);
    ASSERT_STREQ(world->first.done, "+");
    world->first.holds = false;
    server_answer(&world->first);
    RUN_UNTIL(world, !is_noted(world));
    ASSERT_STREQ(world->first.done, "+-");
    ASSERT_EQ(result.n_called, 0);
}

static void test_claimed_while_it_is_removed(World *world)
{
    Result one, two;
    DnsClaim *made = claim(world, &one);

    RUN_UNTIL(world, one.n_called);
    world->first.holds = true;
    dns_claim_release(made);
    RUN_UNTIL(world, world->first.n_done == 2);
    made = claim(world, &two);
    run_out(world);
    ASSERT_STREQ(world->first.done, "+-");
    world->first.holds = false;
    server_answer(&world->first);
    RUN_UNTIL(world, two.n_called);
    ASSERT_STREQ(world->first.done, "+-+");
    ASSERT_TRUE(is_noted(world));
    dns_claim_release(made);
    RUN_UNTIL(world, !is_noted(world));
    ASSERT_STREQ(world->first.done, "+-+-");
}

/* The second server added it and refuses to remove it for now. The first one is not asked. */
static void test_removed_where_it_is(World *world)
{
    Result one, two;
    DnsClaim *made = claim(world, &one);

    world->first.rcode = LDNS_RCODE_REFUSED;
    RUN_UNTIL(world, one.n_called);
    ASSERT_STREQ(one.trouble, "");
    world->first.rcode = LDNS_RCODE_NOERROR;
    world->second.rcode = LDNS_RCODE_REFUSED;
    dns_claim_release(made);
    RUN_UNTIL(world, world->second.n_done == 3);
    ASSERT_TRUE(is_noted(world));
    ASSERT_STREQ(world->first.done, "+");
    /* A claim while it waits for its removal adds it again, at the first server. At the end it is
     * removed from both. */
    made = claim(world, &two);
    RUN_UNTIL(world, two.n_called);
    ASSERT_STREQ(world->first.done, "++");
    world->second.rcode = LDNS_RCODE_NOERROR;
    dns_claim_release(made);
    RUN_UNTIL(world, !is_noted(world));
    ASSERT_STREQ(world->first.done, "++-");
    ASSERT_STREQ(world->second.done, "+---");
}

static void test_refused_by_all(World *world)
{
    char expected[256];
    Result result;
    DnsClaim *made = claim(world, &result);

    world->first.rcode = world->second.rcode = LDNS_RCODE_REFUSED;
    RUN_UNTIL(world, result.n_called);
    snprintf(expected, sizeof(expected), "%s: REFUSED; %s: REFUSED", world->first.address.text,
             world->second.address.text);
    ASSERT_STREQ(result.trouble, expected);
    dns_claim_release(made);
    RUN_UNTIL(world, !is_noted(world));
    ASSERT_STREQ(world->second.done, "+");
}

static bool is_needed(const char *of, void *userdata)
{
    ASSERT_STREQ(of, name);
    return *(bool *)userdata;
}

static void save(const World *world, char *servers, char *unsure)
{
    const DnsRecord record = { .verification = block,
                               .name = name,
                               .zone = zone,
                               .owner = owner,
                               .value = value,
                               .servers = servers,
                               .unsure = unsure };

    ASSERT_OK(dns_record_save(world->directory, &record));
}

/* After a crash during the update: a server that refuses the removal does not have it, once another
 * one removed it. */
static void test_left_nobody_knows_where(World *world)
{
    bool needed = true;

    save(world, NULL, NULL);
    ASSERT_FALSE(txt_records_sweep(world->records, world->config, is_needed, &needed, false));
    ASSERT_FALSE(txt_records_sweep(world->records, world->config, is_needed, &needed, true));
    needed = false;
    world->first.rcode = LDNS_RCODE_NOTAUTH;
    ASSERT_TRUE(txt_records_sweep(world->records, world->config, is_needed, &needed, true));
    RUN_UNTIL(world, !is_noted(world));
    ASSERT_STREQ(world->first.done, "-");
    ASSERT_STREQ(world->second.done, "-");
}

/* A server that is no longer configured is asked at its former address. */
static void test_left_at_a_former_server(World *world)
{
    bool needed = false;
    Server former;

    server_start(&former, world->event);
    save(world, former.address.text, NULL);
    ASSERT_TRUE(txt_records_sweep(world->records, world->config, is_needed, &needed, false));
    RUN_UNTIL(world, !is_noted(world));
    ASSERT_STREQ(former.done, "-");
    ASSERT_STREQ(world->first.done, "");
    server_stop(&former);
}

int main(void)
{
    static void (*const tests[])(World * world) = {
        test_comes_and_goes,
        test_claimed_twice,
        test_released_while_it_is_added,
        test_claimed_while_it_is_removed,
        test_removed_where_it_is,
        test_refused_by_all,
        test_left_nobody_knows_where,
        test_left_at_a_former_server,
    };

    for (size_t i = 0; i < ELEMENTSOF(tests); i++) {
        World world;

        world_start(&world);
        tests[i](&world);
        world_end(&world);
    }
    return EXIT_SUCCESS;
}
