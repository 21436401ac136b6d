/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "txt-records/propagation.h"

#include <stdio.h>

#include "dns/answer.h"
#include "dns/ask.h"
#include "event/timer.h"
#include "libacme/transport/polling.h"
#include "txt-records/zone-servers.h"

#define ADDRESSES_MAX 8U /* of one server; more are not asked */
#define SAID_SIZE     128U

typedef struct Host Host;

/* One address of a server. */
typedef struct Watch {
    Host *host;
    DnsServer server;
    const TsigKey *key;         /* of the queries; NULL: they are not signed */
    DnsExchange *exchange;      /* NULL: no answer is awaited, … */
    sd_event_source *ask_again; /* … but maybe the time to ask again */
    Poll poll;
    char refused[DNS_WORDS_SIZE]; /* the server does not have the key: its answer; "": it may */
    bool has_it;
    bool is_out_of_reach;
    char said[SAID_SIZE];
} Watch;

/* One server, as the zone names it. */
struct Host {
    Propagation *propagation;
    const ZoneServer *server;
    Watch watches[ADDRESSES_MAX];
    size_t n_watches;
};

struct Propagation {
    const DnsSettings *settings;
    const DnsText *text;
    ZoneServers *servers;
    Host *hosts;
    size_t n_hosts;
    sd_event_source *deadline;
    DnsTrouble trouble;
    propagation_cb callback;
    void *userdata;
};

static void host_stop(Host *host)
{
    for (size_t i = 0; i < host->n_watches; i++) {
        host->watches[i].exchange = dns_exchange_cancel(host->watches[i].exchange);
        host->watches[i].ask_again = sd_event_source_disable_unref(host->watches[i].ask_again);
    }
}

static void propagation_stop(Propagation *p)
{
    for (size_t i = 0; i < p->n_hosts; i++)
        host_stop(&p->hosts[i]);
    zone_servers_stop(p->servers);
    p->deadline = sd_event_source_disable_unref(p->deadline);
}

Propagation *propagation_cancel(Propagation *p)
{
    if (!p)
        return NULL;
    propagation_stop(p);
    free(p->hosts);
    zone_servers_free(p->servers);
    free(p);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Propagation *, propagation_cancel)

static void propagation_end(Propagation *p, const char *trouble)
{
    _cleanup_(propagation_cancelp) Propagation *owned = p;

    propagation_stop(p);
    p->callback(trouble, p->userdata);
    (void)owned;
}

static void propagation_fail_errno(Propagation *p, int error)
{
    dns_trouble_add(&p->trouble, "the name servers of %s cannot be queried: %s", p->text->zone,
                    strerror(-error));
    propagation_end(p, p->trouble.text);
}

/* ---- the record -------------------------------------------------------------------------- */

static bool host_is_reached(const Host *host)
{
    for (size_t i = 0; i < host->n_watches; i++)
        if (!host->watches[i].is_out_of_reach)
            return true;
    return false;
}

/* An address that is out of reach counts only if the server has no other. */
static bool watch_lags(const Watch *watch)
{
    return !watch->has_it && (!watch->is_out_of_reach || !host_is_reached(watch->host));
}

static bool propagation_lags(const Propagation *p)
{
    for (size_t i = 0; i < p->n_hosts; i++)
        for (size_t j = 0; j < p->hosts[i].n_watches; j++)
            if (watch_lags(&p->hosts[i].watches[j]))
                return true;
    return false;
}

const char *propagation_lag(Propagation *p)
{
    dns_trouble_clear(&p->trouble);
    for (size_t i = 0; i < p->n_hosts; i++)
        for (size_t j = 0; j < p->hosts[i].n_watches; j++) {
            const Watch *watch = &p->hosts[i].watches[j];

            if (watch_lags(watch))
                dns_trouble_add(&p->trouble, "%s (%s): %s", watch->host->server->name,
                                watch->server.text, *watch->said ? watch->said : "no answer yet");
        }
    return p->trouble.n ? p->trouble.text : NULL;
}

static int on_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    Propagation *p = userdata;

    (void)source;
    (void)usec;
    propagation_end(
        p, str_or(propagation_lag(p), "the name servers of the zone were not found in time"));
    return 0;
}

static const char *find_fault(const Propagation *p, const DnsReply *reply)
{
    if (!reply->answer)
        return reply->trouble;
    switch (ldns_pkt_get_rcode(reply->answer)) {
    case LDNS_RCODE_NOERROR:
    case LDNS_RCODE_NXDOMAIN:
        if (!ldns_pkt_aa(reply->answer))
            return "it is not authoritative for the zone";
        return dns_answer_has_text(reply->answer, p->text) ? NULL
                                                           : "it does not have the value yet";
    default:
        return reply->trouble;
    }
}

/* Whether a server answered as if it did not have the zone. */
static bool is_refusal(const DnsReply *reply)
{
    ldns_pkt_rcode rcode = reply->answer ? ldns_pkt_get_rcode(reply->answer) : LDNS_RCODE_NOERROR;

    return reply->answer && ((rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) ||
                             !ldns_pkt_aa(reply->answer));
}

/* Whether this machine has no route, or a router reports that there is none. */
static bool is_without_way(int error)
{
    switch (error) {
    case -ENETUNREACH:
    case -EHOSTUNREACH:
    case -ENETDOWN:
    case -ENODEV: /* a link-local address does not belong in DNS */
    case -EAFNOSUPPORT:
    case -EADDRNOTAVAIL:
    case -EPERM: /* from a packet filter or a sandbox */
    case -EACCES:
        return true;
    default:
        return false;
    }
}

/* Without the key from now on, so that each time costs one query. */
static void note_refused(Watch *watch, const DnsReply *reply)
{
    if (!*reply->refused)
        return;
    watch->key = NULL;
    (void)snprintf(watch->refused, sizeof(watch->refused), "%s", reply->refused);
}

static void say_fault(Watch *watch, const DnsReply *reply, const char *fault)
{
    char buf[DNS_REFUSED_SIZE];
    const char *words =
        is_refusal(reply) ? dns_settings_words(watch->host->propagation->settings, watch->key) : "";

    if (*watch->refused)
        words = dns_refused_words(watch->refused, buf);
    (void)snprintf(watch->said, sizeof(watch->said), "%s%s", fault, words);
}

static void on_watch_reply(const DnsReply *reply, void *userdata)
{
    Watch *watch = userdata;
    Propagation *p = watch->host->propagation;
    const char *wrong = find_fault(p, reply);

    watch->exchange = NULL;
    watch->has_it = !wrong;
    watch->is_out_of_reach = is_without_way(reply->error);
    note_refused(watch, reply);
    if (wrong)
        say_fault(watch, reply, wrong);
    if (!propagation_lags(p))
        propagation_end(p, NULL);
    else if (wrong && timer_arm(watch->ask_again, poll_next(&watch->poll, 0)) < 0)
        propagation_fail_errno(p, -ENOMEM);
}

static int watch_ask(Watch *watch)
{
    Propagation *p = watch->host->propagation;
    _cleanup_(dns_packet_freep) ldns_pkt *query = NULL;
    DnsRequest request = { .server = &watch->server,
                           .key = watch->key,
                           .timeout = p->settings->timeout };
    int r = dns_query_new(p->text->owner, LDNS_RR_TYPE_TXT, false, &query);

    if (r < 0)
        return r;
    watch->is_out_of_reach = false;
    request.message = query;
    return dns_exchange_start(p->settings->pool, &request, on_watch_reply, watch, &watch->exchange);
}

/* Each address has a time of its own, so that one that does not answer delays no other. */
static int ask_all(Propagation *p)
{
    int r = 0;

    for (size_t i = 0; i < p->n_hosts; i++)
        for (size_t j = 0; r >= 0 && j < p->hosts[i].n_watches; j++)
            r = watch_ask(&p->hosts[i].watches[j]);
    return r;
}

static int watch_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Watch *watch = userdata;
    int r = watch_ask(watch);

    (void)source;
    (void)usec;
    if (r < 0)
        propagation_fail_errno(watch->host->propagation, r);
    return 0;
}

/* ---- the servers ------------------------------------------------------------------------- */

/* A server that is updated has a port in the configuration, and knows the key. */
static void use_given(const DnsSettings *settings, Watch *watch)
{
    const DnsServers *given = &settings->servers;

    for (size_t i = 0; i < given->n; i++)
        if (dns_server_same_machine(&given->list[i], &watch->server)) {
            watch->server = given->list[i];
            watch->key = settings->query_key;
            return;
        }
}

static int make_watches(Host *host)
{
    const DnsSettings *settings = host->propagation->settings;
    size_t n =
        host->server->addresses.n < ADDRESSES_MAX ? host->server->addresses.n : ADDRESSES_MAX;

    while (host->n_watches < n) {
        Watch *watch = &host->watches[host->n_watches];
        int r;

        watch->host = host;
        watch->server = host->server->addresses.list[host->n_watches++];
        use_given(settings, watch);
        r = timer_new(dns_pool_event(settings->pool), watch_on_timer, watch, &watch->ask_again);
        if (r < 0)
            return r;
    }
    return 0;
}

static int make_hosts(Propagation *p)
{
    size_t n = zone_servers_count(p->servers);
    int r = 0;

    p->hosts = calloc(n, sizeof(*p->hosts));
    if (!p->hosts)
        return -ENOMEM;
    for (; r >= 0 && p->n_hosts < n; p->n_hosts++) {
        Host *host = &p->hosts[p->n_hosts];

        host->propagation = p;
        host->server = zone_servers_get(p->servers, p->n_hosts);
        r = make_watches(host);
    }
    return r;
}

static void on_servers(const char *trouble, void *userdata)
{
    Propagation *p = userdata;
    int r;

    if (trouble) {
        propagation_end(p, trouble);
        return;
    }
    r = make_hosts(p);
    if (r >= 0)
        r = ask_all(p);
    if (r < 0)
        propagation_fail_errno(p, r);
}

int propagation_await(const DnsSettings *settings, const DnsText *text, propagation_cb callback,
                      void *userdata, Propagation **ret)
{
    _cleanup_(propagation_cancelp) Propagation *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    p->settings = settings;
    p->text = text;
    p->callback = callback;
    p->userdata = userdata;
    r = timer_start(dns_pool_event(settings->pool),
                    settings->verification->propagation_timeout * USEC_PER_SEC, on_over, p,
                    &p->deadline);
    if (r >= 0)
        r = zone_servers_find(settings, text->zone, on_servers, p, &p->servers);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}
