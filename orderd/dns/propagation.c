/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/propagation.h"

#include <stdio.h>

#include "dns/answer.h"
#include "dns/ask.h"
#include "libacme/transport/polling.h"
#include "strings/strv.h"

#define ADDRESSES_MAX 8U /* of one server that are asked */
#define SAID_SIZE     64U

typedef struct Host Host;

/* One address of a server. */
typedef struct Watch {
    Host *host;
    DnsServer server;
    DnsExchange *exchange;
    bool has_it;
    bool is_out_of_reach;
    char said[SAID_SIZE];
} Watch;

/* One server, as the zone names it. */
struct Host {
    Propagation *propagation;
    char *name;
    DnsAsk *asks[2]; /* A, AAAA */
    DnsServers addresses;
    char *trouble; /* why its addresses are not known */
    Watch watches[ADDRESSES_MAX];
    size_t n_watches;
};

struct Propagation {
    const DnsSettings *settings;
    const DnsText *text;
    const DnsServers *source; /* of names and addresses */
    DnsUse use;               /* of what these say */
    DnsAsk *ask;
    Host *hosts;
    size_t n_hosts, n_pending; /* lookups, then exchanges */
    sd_event_source *timer, *deadline;
    Poll poll;
    DnsTrouble trouble;
    propagation_cb callback;
    void *userdata;
};

static void host_done(Host *host)
{
    for (size_t i = 0; i < ELEMENTSOF(host->asks); i++)
        dns_ask_cancel(host->asks[i]);
    for (size_t i = 0; i < host->n_watches; i++)
        dns_exchange_cancel(host->watches[i].exchange);
    dns_servers_done(&host->addresses);
    free(host->trouble);
    free(host->name);
}

Propagation *propagation_cancel(Propagation *p)
{
    if (!p)
        return NULL;
    dns_ask_cancel(p->ask);
    for (size_t i = 0; i < p->n_hosts; i++)
        host_done(&p->hosts[i]);
    free(p->hosts);
    sd_event_source_disable_unref(p->timer);
    sd_event_source_disable_unref(p->deadline);
    free(p);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Propagation *, propagation_cancel)

static void propagation_end(Propagation *p, const char *trouble)
{
    _cleanup_(propagation_cancelp) Propagation *owned = p;

    p->callback(trouble, p->userdata);
    (void)owned;
}

static void propagation_fail_errno(Propagation *p, int error)
{
    dns_trouble_add(&p->trouble, "the servers of %s cannot be asked: %s", p->text->zone,
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

/* An address without a route counts where there is no other. */
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
                dns_trouble_add(&p->trouble, "%s (%s): %s", watch->host->name, watch->server.text,
                                *watch->said ? watch->said : "no answer yet");
        }
    return p->trouble.n ? p->trouble.text : NULL;
}

static int on_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    Propagation *p = userdata;

    (void)source;
    (void)usec;
    propagation_end(p, str_or(propagation_lag(p), "its servers were not found in time"));
    return 0;
}

static const char *judge(const Propagation *p, const DnsReply *reply)
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

/* It is this machine that has no way there, or a router on it. */
static bool is_without_way(int error)
{
    switch (error) {
    case -ENETUNREACH:
    case -EHOSTUNREACH:
    case -ENETDOWN:
    case -ENODEV: /* a link-local address in DNS is nobody's to use */
    case -EAFNOSUPPORT:
    case -EADDRNOTAVAIL:
    case -EPERM: /* of a packet filter, or a sandbox */
    case -EACCES:
        return true;
    default:
        return false;
    }
}

static void on_watch_reply(const DnsReply *reply, void *userdata)
{
    Watch *watch = userdata;
    Propagation *p = watch->host->propagation;
    const char *wrong = judge(p, reply);

    watch->exchange = NULL;
    watch->has_it = !wrong;
    watch->is_out_of_reach = is_without_way(reply->error);
    (void)snprintf(watch->said, sizeof(watch->said), "%s", wrong ? wrong : "");
    if (--p->n_pending > 0)
        return;
    if (!propagation_lags(p))
        propagation_end(p, NULL);
    else if (sd_event_source_set_time_relative(p->timer, poll_next(&p->poll, 0)) < 0 ||
             sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT) < 0)
        propagation_fail_errno(p, -ENOMEM);
}

static int watch_ask(Watch *watch)
{
    Propagation *p = watch->host->propagation;
    _cleanup_(dns_packet_freep) ldns_pkt *query = NULL;
    DnsRequest request = { .server = &watch->server, .timeout = p->settings->timeout };
    int r = dns_query_new(p->text->owner, LDNS_RR_TYPE_TXT, false, &query);

    if (r < 0)
        return r;
    request.message = query;
    return dns_exchange_start(p->settings->pool, &request, on_watch_reply, watch, &watch->exchange);
}

/* Those that have it are not asked again. */
static int ask_all(Propagation *p)
{
    for (size_t i = 0; i < p->n_hosts; i++)
        for (size_t j = 0; j < p->hosts[i].n_watches; j++) {
            Watch *watch = &p->hosts[i].watches[j];
            int r = watch->has_it ? 0 : watch_ask(watch);

            if (r < 0)
                return r;
            p->n_pending += !watch->has_it;
        }
    return 0;
}

static int on_poll(sd_event_source *source, uint64_t usec, void *userdata)
{
    int r = ask_all(userdata);

    (void)source;
    (void)usec;
    if (r < 0)
        propagation_fail_errno(userdata, r);
    return 0;
}

/* ---- the servers ------------------------------------------------------------------------- */

static void use_given_port(const DnsServers *given, DnsServer *server)
{
    for (size_t i = 0; i < given->n; i++)
        if (dns_server_same_machine(&given->list[i], server)) {
            *server = given->list[i];
            return;
        }
}

static void make_watches(Host *host)
{
    size_t n = host->addresses.n < ADDRESSES_MAX ? host->addresses.n : ADDRESSES_MAX;

    for (; host->n_watches < n; host->n_watches++) {
        Watch *watch = &host->watches[host->n_watches];

        watch->host = host;
        watch->server = host->addresses.list[host->n_watches];
        use_given_port(&host->propagation->settings->servers, &watch->server);
    }
}

/* A server that has no address is nobody's to ask; one whose address is not to be had now may be
 * asked by the CA. */
static void watch_all(Propagation *p)
{
    size_t n = 0;
    int r;

    for (size_t i = 0; i < p->n_hosts; i++) {
        if (p->hosts[i].trouble && p->hosts[i].addresses.n == 0)
            dns_trouble_add(&p->trouble, "no address is found for %s (%s)", p->hosts[i].name,
                            p->hosts[i].trouble);
        make_watches(&p->hosts[i]);
        n += p->hosts[i].n_watches;
    }
    if (n == 0 && p->trouble.n == 0)
        dns_trouble_add(&p->trouble, "none of the servers of %s has an address", p->text->zone);
    if (p->trouble.n > 0) {
        propagation_end(p, p->trouble.text);
        return;
    }
    r = ask_all(p);
    if (r < 0)
        propagation_fail_errno(p, r);
}

static void on_addresses(Host *host, const DnsOutcome *outcome)
{
    Propagation *p = host->propagation;
    int r = outcome->answer ? dns_answer_addresses(outcome->answer, &host->addresses) : 0;

    if (r < 0) {
        propagation_fail_errno(p, r);
        return;
    }
    if (!outcome->answer && !host->trouble)
        host->trouble = strdup(outcome->trouble);
    if (--p->n_pending == 0)
        watch_all(p);
}

static void on_a(const DnsOutcome *outcome, void *userdata)
{
    Host *host = userdata;

    host->asks[0] = NULL;
    on_addresses(host, outcome);
}

static void on_aaaa(const DnsOutcome *outcome, void *userdata)
{
    Host *host = userdata;

    host->asks[1] = NULL;
    on_addresses(host, outcome);
}

static int ask_source(const Propagation *p, const char *name, ldns_rr_type type,
                      dns_ask_cb callback, void *userdata, DnsAsk **ret)
{
    const DnsSettings *settings = p->settings;
    DnsAskRequest request = { .servers = p->source, .use = p->use, .timeout = settings->timeout };
    int r = dns_query_new(name, type, p->use == DNS_USE_RESOLVED, &request.message);

    return r < 0 ? r : dns_ask_start(settings->pool, &request, callback, userdata, ret);
}

static int ask_addresses(Propagation *p, char *const *names)
{
    static const struct {
        ldns_rr_type type;
        dns_ask_cb callback;
    } kinds[] = { { LDNS_RR_TYPE_A, on_a }, { LDNS_RR_TYPE_AAAA, on_aaaa } };

    p->hosts = calloc(strv_length(names), sizeof(*p->hosts));
    if (!p->hosts)
        return -ENOMEM;
    STRV_FOREACH (name, names) {
        Host *host = &p->hosts[p->n_hosts];

        host->propagation = p;
        host->name = strdup(*name);
        if (!host->name)
            return -ENOMEM;
        p->n_hosts++;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
            int r = ask_source(p, *name, kinds[i].type, kinds[i].callback, host, &host->asks[i]);

            if (r < 0)
                return r;
            p->n_pending++;
        }
    }
    return 0;
}

static int ask_name_servers(Propagation *p);

/* What is public may not be known to the resolvers here, or the other way round. */
static bool ask_the_other(Propagation *p)
{
    if (p->source == &p->settings->servers)
        return false;
    p->source = &p->settings->servers;
    p->use = DNS_USE_AUTHORITATIVE;
    return ask_name_servers(p) >= 0;
}

static void on_name_servers(const DnsOutcome *outcome, void *userdata)
{
    _cleanup_strv_ char **names = NULL;
    Propagation *p = userdata;
    int r = 0;

    p->ask = NULL;
    if (outcome->answer)
        r = dns_answer_name_servers(outcome->answer, p->text->zone, &names);
    if (r >= 0 && !names) {
        if (ask_the_other(p))
            return;
        dns_trouble_add(&p->trouble, "no server says which servers %s has%s%s%s", p->text->zone,
                        outcome->answer ? "" : " (", outcome->answer ? "" : outcome->trouble,
                        outcome->answer ? "" : ")");
        propagation_end(p, p->trouble.text);
        return;
    }
    if (r >= 0)
        r = ask_addresses(p, names);
    if (r < 0)
        propagation_fail_errno(p, r);
}

static int ask_name_servers(Propagation *p)
{
    return ask_source(p, p->text->zone, LDNS_RR_TYPE_NS, on_name_servers, p, &p->ask);
}

static int add_timers(Propagation *p)
{
    sd_event *event = dns_pool_event(p->settings->pool);
    int r = sd_event_add_time_relative(event, &p->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY,
                                       on_poll, p);

    if (r >= 0)
        r = sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
    if (r < 0)
        return r;
    return sd_event_add_time_relative(event, &p->deadline, CLOCK_MONOTONIC,
                                      p->settings->verification->propagation_timeout * USEC_PER_SEC,
                                      TIMER_ACCURACY, on_over, p);
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
    p->source = &settings->resolvers;
    p->use = DNS_USE_RESOLVED;
    p->callback = callback;
    p->userdata = userdata;
    r = add_timers(p);
    if (r >= 0)
        r = ask_name_servers(p);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}
