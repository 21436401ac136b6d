/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "txt-records/propagation.h"

#include "loading/load.h"
#include "scripted-dns.h"
#include "test-directory.h"

static char zone[] = "example.org", owner[] = "_acme-challenge.www.example.org", value[] = "gfj9Xq";
static const DnsText text = { .zone = zone, .owner = owner, .value = value };

#define ASKED "TXT _acme-challenge.www.example.org"
#define HAS   "% TXT gfj9Xq"
#define NS(list)                                                                                   \
    {                                                                                              \
        "192.0.2.1", "NS example.org", list                                                        \
    }
#define A(n, list)                                                                                 \
    {                                                                                              \
        NULL, "A ns" n ".example.org", list                                                        \
    }
#define AAAA(n, list)                                                                              \
    {                                                                                              \
        NULL, "AAAA ns" n ".example.org", list                                                     \
    }
#define TWO_SERVERS                                                                                \
    NS("% NS ns1.example.org.\n% NS ns2.example.org."), A("1", "% A 192.0.2.11"), AAAA("1", ""),   \
        A("2", "% A 192.0.2.12"), AAAA("2", "")
#define ONE_SERVER NS("% NS ns1.example.org."), A("1", "% A 192.0.2.11"), AAAA("1", "")

typedef struct Case {
    const char *name;
    DnsRow script[24];
    const char *seen;
} Case;

static const Case cases[] = {
    { "all have it",
      { TWO_SERVERS, { NULL, ASKED, HAS } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.,% NS ns2.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.1 AAAA ns1.example.org: nothing\n"
      "192.0.2.1 A ns2.example.org: % A 192.0.2.12\n"
      "192.0.2.1 AAAA ns2.example.org: nothing\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "visible\n" },
    { "one is late",
      { TWO_SERVERS,
        { "192.0.2.11", ASKED, HAS },
        { "192.0.2.12", ASKED, "NXDOMAIN" },
        { "192.0.2.12", ASKED, "" },
        { "192.0.2.12", ASKED, "% TXT other" },
        { "192.0.2.12", ASKED, "% TXT other\n" HAS } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.,% NS ns2.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.1 AAAA ns1.example.org: nothing\n"
      "192.0.2.1 A ns2.example.org: % A 192.0.2.12\n"
      "192.0.2.1 AAAA ns2.example.org: nothing\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: NXDOMAIN\n"
      "wait 0.1 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: nothing\n"
      "wait 0.2 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: % TXT other\n"
      "wait 0.4 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: % TXT other,% TXT gfj9Xq\n"
      "visible\n" },
    { "one never has it",
      { TWO_SERVERS, { "192.0.2.11", ASKED, HAS }, { "192.0.2.12", ASKED, "% TXT gfj9X" } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.,% NS ns2.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.1 AAAA ns1.example.org: nothing\n"
      "192.0.2.1 A ns2.example.org: % A 192.0.2.12\n"
      "192.0.2.1 AAAA ns2.example.org: nothing\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: % TXT gfj9X\n"
      "wait 0.1 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: % TXT gfj9X\n"
      "wait 0.2 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: % TXT gfj9X\n"
      "wait 0.4 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: % TXT gfj9X\n"
      "wait 0.8 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: % TXT gfj9X\n"
      "wait 1.5 s\n"
      "ns2.example.org (192.0.2.12): it does not have the value yet\n" },
    { "each has another fault",
      { NS("% NS ns1.example.org.\n% NS ns2.example.org."),
        A("1", "% A 192.0.2.11\n% A 192.0.2.13"),
        AAAA("1", "% AAAA 2001:db8::11"),
        A("2", "% A 192.0.2.12"),
        AAAA("2", ""),
        { "192.0.2.11", ASKED, "SERVFAIL" },
        { "192.0.2.13", ASKED, "timeout" },
        { "2001:db8::11", ASKED, "REFUSED" },
        { "192.0.2.12", ASKED, "-" HAS } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.,% NS ns2.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11,% A 192.0.2.13\n"
      "192.0.2.1 AAAA ns1.example.org: % AAAA 2001:db8::11\n"
      "192.0.2.1 A ns2.example.org: % A 192.0.2.12\n"
      "192.0.2.1 AAAA ns2.example.org: nothing\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: SERVFAIL\n"
      "192.0.2.13 TXT _acme-challenge.www.example.org: timeout\n"
      "2001:db8::11 TXT _acme-challenge.www.example.org: REFUSED\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: -% TXT gfj9Xq\n"
      "wait 0.1 s\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: SERVFAIL\n"
      "192.0.2.13 TXT _acme-challenge.www.example.org: timeout\n"
      "2001:db8::11 TXT _acme-challenge.www.example.org: REFUSED\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: -% TXT gfj9Xq\n"
      "wait 0.2 s\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: SERVFAIL\n"
      "192.0.2.13 TXT _acme-challenge.www.example.org: timeout\n"
      "2001:db8::11 TXT _acme-challenge.www.example.org: REFUSED\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: -% TXT gfj9Xq\n"
      "wait 0.4 s\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: SERVFAIL\n"
      "192.0.2.13 TXT _acme-challenge.www.example.org: timeout\n"
      "2001:db8::11 TXT _acme-challenge.www.example.org: REFUSED\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: -% TXT gfj9Xq\n"
      "wait 0.8 s\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: SERVFAIL\n"
      "192.0.2.13 TXT _acme-challenge.www.example.org: timeout\n"
      "2001:db8::11 TXT _acme-challenge.www.example.org: REFUSED\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: -% TXT gfj9Xq\n"
      "wait 1.5 s\n"
      "ns1.example.org (192.0.2.11): SERVFAIL; ns1.example.org (192.0.2.13): timeout; "
      "ns1.example.org (2001:db8::11): REFUSED; ns2.example.org (192.0.2.12): it is not "
      "authoritative for the zone\n" },
    { "all recover",
      { TWO_SERVERS,
        { "192.0.2.11", ASKED, "SERVFAIL" },
        { "192.0.2.11", ASKED, HAS },
        { "192.0.2.12", ASKED, "timeout" },
        { "192.0.2.12", ASKED, "REFUSED" },
        { "192.0.2.12", ASKED, HAS } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.,% NS ns2.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.1 AAAA ns1.example.org: nothing\n"
      "192.0.2.1 A ns2.example.org: % A 192.0.2.12\n"
      "192.0.2.1 AAAA ns2.example.org: nothing\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: SERVFAIL\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: timeout\n"
      "wait 0.1 s\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: REFUSED\n"
      "wait 0.2 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "visible\n" },
    { "an address without a route beside another one",
      { NS("% NS ns1.example.org."),
        A("1", "% A 192.0.2.11"),
        AAAA("1", "% AAAA 2001:db8::11"),
        { "192.0.2.11", ASKED, HAS },
        { "2001:db8::11", ASKED, "unreachable" } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.1 AAAA ns1.example.org: % AAAA 2001:db8::11\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "2001:db8::11 TXT _acme-challenge.www.example.org: unreachable\n"
      "visible\n" },
    { "a route that comes back",
      { NS("% NS ns1.example.org."),
        A("1", "% A 192.0.2.11"),
        AAAA("1", "% AAAA 2001:db8::11"),
        { "192.0.2.11", ASKED, "" },
        { "192.0.2.11", ASKED, "" },
        { "192.0.2.11", ASKED, HAS },
        { "2001:db8::11", ASKED, "unreachable" },
        { "2001:db8::11", ASKED, "" },
        { "2001:db8::11", ASKED, HAS } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.1 AAAA ns1.example.org: % AAAA 2001:db8::11\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: nothing\n"
      "2001:db8::11 TXT _acme-challenge.www.example.org: unreachable\n"
      "wait 0.1 s\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: nothing\n"
      "2001:db8::11 TXT _acme-challenge.www.example.org: nothing\n"
      "wait 0.2 s\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "2001:db8::11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "visible\n" },
    { "a silent one delays no other",
      { TWO_SERVERS,
        { "192.0.2.11", ASKED, "silent" },
        { "192.0.2.12", ASKED, "" },
        { "192.0.2.12", ASKED, HAS } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.,% NS ns2.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.1 AAAA ns1.example.org: nothing\n"
      "192.0.2.1 A ns2.example.org: % A 192.0.2.12\n"
      "192.0.2.1 AAAA ns2.example.org: nothing\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: silent\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: nothing\n"
      "wait 0.1 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "wait 2.9 s\n"
      "ns1.example.org (192.0.2.11): no answer yet\n" },
    { "a server without a route",
      { TWO_SERVERS, { "192.0.2.11", ASKED, HAS }, { "192.0.2.12", ASKED, "unreachable" } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.,% NS ns2.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.1 AAAA ns1.example.org: nothing\n"
      "192.0.2.1 A ns2.example.org: % A 192.0.2.12\n"
      "192.0.2.1 AAAA ns2.example.org: nothing\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: unreachable\n"
      "wait 0.1 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: unreachable\n"
      "wait 0.2 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: unreachable\n"
      "wait 0.4 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: unreachable\n"
      "wait 0.8 s\n"
      "192.0.2.12 TXT _acme-challenge.www.example.org: unreachable\n"
      "wait 1.5 s\n"
      "ns2.example.org (192.0.2.12): unreachable\n" },
    { "a server at the port of the configuration",
      { NS("% NS ns1.example.org."),
        A("1", "% A 192.0.2.53"),
        AAAA("1", ""),
        { "192.0.2.53:5353", ASKED, HAS } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.53\n"
      "192.0.2.1 AAAA ns1.example.org: nothing\n"
      "192.0.2.53:5353 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "visible\n" },
    { "the resolvers know no name servers",
      { { "192.0.2.1", "NS example.org", "NXDOMAIN" },
        { "192.0.2.53:5353", "NS example.org", "% NS ns1.example.org." },
        { "192.0.2.53:5353", "A ns1.example.org", "% A 192.0.2.11" },
        { "192.0.2.53:5353", "AAAA ns1.example.org", "" },
        { "192.0.2.11", ASKED, HAS } },
      "192.0.2.1 NS example.org: NXDOMAIN\n"
      "192.0.2.53:5353 NS example.org: % NS ns1.example.org.\n"
      "192.0.2.53:5353 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.53:5353 AAAA ns1.example.org: nothing\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "visible\n" },
    { "the resolver fails",
      { { "192.0.2.1", "NS example.org", "SERVFAIL" },
        { "192.0.2.53:5353", "NS example.org", "% NS ns1.example.org." },
        { "192.0.2.53:5353", "A ns1.example.org", "% A 192.0.2.11" },
        { "192.0.2.53:5353", "AAAA ns1.example.org", "" },
        { "192.0.2.11", ASKED, HAS } },
      "192.0.2.1 NS example.org: SERVFAIL\n"
      "192.0.2.53:5353 NS example.org: % NS ns1.example.org.\n"
      "192.0.2.53:5353 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.53:5353 AAAA ns1.example.org: nothing\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "visible\n" },
    { "nobody knows name servers",
      { { "192.0.2.1", "NS example.org", "timeout" },
        { "192.0.2.53:5353", "NS example.org", "-" },
        { "192.0.2.54", "NS example.org", "REFUSED" } },
      "192.0.2.1 NS example.org: timeout\n"
      "192.0.2.53:5353 NS example.org: -\n"
      "192.0.2.54 NS example.org: REFUSED\n"
      "no server reports the name servers of example.org (192.0.2.53:5353: it is not authoritative "
      "for the name; 192.0.2.54: REFUSED)\n" },
    { "the zone has no name servers",
      { { NULL, "NS example.org", "" } },
      "192.0.2.1 NS example.org: nothing\n"
      "192.0.2.53:5353 NS example.org: nothing\n"
      "no server reports the name servers of example.org\n" },
    { "a name server without an address",
      { NS("% NS ns1.example.org.\n% NS ns2.example.org."),
        A("1", "% A 192.0.2.11"),
        AAAA("1", ""),
        A("2", ""),
        AAAA("2", "NXDOMAIN"),
        { "192.0.2.11", ASKED, HAS } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.,% NS ns2.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.1 AAAA ns1.example.org: nothing\n"
      "192.0.2.1 A ns2.example.org: nothing\n"
      "192.0.2.1 AAAA ns2.example.org: NXDOMAIN\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "visible\n" },
    { "no name server has an address",
      { NS("% NS ns1.example.org."), A("1", ""), AAAA("1", "") },
      "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
      "192.0.2.1 A ns1.example.org: nothing\n"
      "192.0.2.1 AAAA ns1.example.org: nothing\n"
      "none of the name servers of example.org has an address\n" },
    { "the address of a name server cannot be looked up",
      {
          NS("% NS ns1.example.org.\n% NS ns2.example.org."),
          A("1", "% A 192.0.2.11"),
          AAAA("1", "SERVFAIL"),
          A("2", "timeout"),
          AAAA("2", ""),
      },
      "192.0.2.1 NS example.org: % NS ns1.example.org.,% NS ns2.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.1 AAAA ns1.example.org: SERVFAIL\n"
      "192.0.2.1 A ns2.example.org: timeout\n"
      "192.0.2.1 AAAA ns2.example.org: nothing\n"
      "no address was found for ns2.example.org (192.0.2.1: timeout)\n" },
    { "the address of a name server is half known",
      { NS("% NS ns1.example.org."),
        A("1", "% A 192.0.2.11"),
        AAAA("1", "SERVFAIL"),
        { "192.0.2.11", ASKED, HAS } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.1 AAAA ns1.example.org: SERVFAIL\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "visible\n" },
    { "the record of another name",
      { ONE_SERVER, { NULL, ASKED, "www.example.org. TXT gfj9Xq" }, { NULL, ASKED, HAS } },
      "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
      "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
      "192.0.2.1 AAAA ns1.example.org: nothing\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: www.example.org. TXT gfj9Xq\n"
      "wait 0.1 s\n"
      "192.0.2.11 TXT _acme-challenge.www.example.org: % TXT gfj9Xq\n"
      "visible\n" },
};

typedef struct Bed {
    char *directory;
    sd_event *event;
    Config *config;
    DnsPool *pool;
    DnsSettings *settings;
    Propagation *propagation;
    bool is_over;
} Bed;

static void hear(int level, const char *file, unsigned line, const char *finding, void *userdata)
{
    (void)level;
    (void)userdata;
    fprintf(stderr, "%s:%u: %s\n", file, line, finding);
}

static void bed_open(Bed *bed, const DnsRow *script)
{
    _cleanup_free_ char *path = NULL, *why = NULL;

    *bed = (Bed){ .directory = test_directory_new() };
    test_write(bed->directory, "acmems.ini",
               "[verification \"d\"]\ntype = dns01-dnsUpdate\ndns-server = 192.0.2.53:5353\n"
               "dns-server = 192.0.2.54\nresolver = 192.0.2.1\npropagation-timeout = 3\n");
    path = test_path(bed->directory, "acmems.ini");
    ASSERT_OK(config_load(path, hear, NULL, &bed->config));
    ASSERT_TRUE(sd_event_new(&bed->event) >= 0);
    ASSERT_OK(dns_pool_new(bed->event, &bed->pool));
    ASSERT_OK(dns_settings_new(bed->pool, bed->config, config_find_verification(bed->config, "d"),
                               &why, &bed->settings));
    dns_start(script);
}

static void bed_close(Bed *bed)
{
    ASSERT_FALSE(dns_first); /* nothing is left of the propagation */
    dns_settings_unref(bed->settings);
    dns_pool_free(bed->pool);
    config_unref(bed->config);
    sd_event_unref(bed->event);
    test_directory_freep(&bed->directory);
}

static void on_propagated(const char *trouble, void *userdata)
{
    Bed *bed = userdata;

    ASSERT_FALSE(bed->is_over);
    bed->is_over = true;
    trace_add("%s", str_or(trouble, "visible"));
}

static void start(Bed *bed)
{
    ASSERT_OK(propagation_await(bed->settings, &text, on_propagated, bed, &bed->propagation));
}

static void run(const Case *c)
{
    Bed bed;

    bed_open(&bed, c->script);
    start(&bed);
    clock_run(bed.event, &bed.is_over, USEC_INFINITY - 1);
    ASSERT_TRUE(bed.is_over);
    trace_assert(c->name, c->seen);
    bed_close(&bed);
}

/* It can be cancelled after each answer, and says at each moment which servers lag. */
static void test_cancel(void)
{
    static const DnsRow script[] = {
        TWO_SERVERS, { "192.0.2.11", ASKED, HAS }, { "192.0.2.12", ASKED, "" }, { NULL }
    };
    static const char *const lags[] = {
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        "ns1.example.org (192.0.2.11): no answer yet; ns2.example.org (192.0.2.12): no answer yet",
        "ns2.example.org (192.0.2.12): no answer yet",
        "ns2.example.org (192.0.2.12): it does not have the value yet",
    };

    for (size_t n = 0; n < ELEMENTSOF(lags); n++) {
        const char *lag;
        Bed bed;

        bed_open(&bed, script);
        start(&bed);
        for (size_t i = 0; i < n; i++)
            ASSERT_TRUE(dns_answer());
        lag = propagation_lag(bed.propagation);
        ASSERT_STREQ(str_or(lag, "-"), str_or(lags[n], "-"));
        bed.propagation = propagation_cancel(bed.propagation);
        ASSERT_FALSE(dns_first || clock_pass(USEC_INFINITY - 1));
        trace_clear();
        bed_close(&bed);
    }
}

int main(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        run(&cases[i]);
    test_cancel();
    return EXIT_SUCCESS;
}
