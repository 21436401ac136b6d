/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "txt-records/zone-servers.h"

#include "dns/answer.h"
#include "dns/ask.h"
#include "strings/strv.h"

/* One server whose addresses are looked up. */
typedef struct Entry {
    ZoneServers *servers;
    ZoneServer server;
    DnsAsk *asks[2]; /* A, AAAA */
    char *trouble;   /* why its addresses are not known */
} Entry;

struct ZoneServers {
    const DnsSettings *settings;
    const char *zone;
    const DnsServers *source; /* servers to ask for names and addresses */
    DnsUse use;               /* which answers of these count */
    DnsAsk *ask;
    Entry *entries;
    size_t n_entries, n_pending;
    DnsTrouble trouble;
    zone_servers_cb callback;
    void *userdata;
};

void zone_servers_stop(ZoneServers *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_entries; i++)
        for (size_t j = 0; j < ELEMENTSOF(p->entries[i].asks); j++)
            p->entries[i].asks[j] = dns_ask_cancel(p->entries[i].asks[j]);
    p->ask = dns_ask_cancel(p->ask);
}

static void entry_done(Entry *entry)
{
    dns_servers_done(&entry->server.addresses);
    free(entry->server.name);
    free(entry->trouble);
}

ZoneServers *zone_servers_free(ZoneServers *p)
{
    if (!p)
        return NULL;
    zone_servers_stop(p);
    for (size_t i = 0; i < p->n_entries; i++)
        entry_done(&p->entries[i]);
    free(p->entries);
    free(p);
    return NULL;
}

DEFINE_CLEANUP_FUNC(ZoneServers *, zone_servers_free)

static void zone_servers_fail(ZoneServers *p)
{
    zone_servers_stop(p);
    p->callback(p->trouble.text, p->userdata);
}

static void zone_servers_fail_errno(ZoneServers *p, int error)
{
    dns_trouble_add(&p->trouble, "the name servers of %s cannot be queried: %s", p->zone,
                    strerror(-error));
    zone_servers_fail(p);
}

/* The CA cannot ask a server without addresses, so it does not count. If the lookup of the
 * addresses failed, the CA may still find them: this is an error. */
static void finish(ZoneServers *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_entries; i++) {
        const Entry *entry = &p->entries[i];

        if (entry->trouble && entry->server.addresses.n == 0)
            dns_trouble_add(&p->trouble, "no address was found for %s (%s)", entry->server.name,
                            entry->trouble);
        n += entry->server.addresses.n;
    }
    if (n == 0 && p->trouble.n == 0)
        dns_trouble_add(&p->trouble, "none of the name servers of %s has an address", p->zone);
    if (p->trouble.n > 0)
        zone_servers_fail(p);
    else
        p->callback(NULL, p->userdata);
}

static void on_addresses(Entry *entry, const DnsOutcome *outcome)
{
    ZoneServers *p = entry->servers;
    int r = outcome->answer ? dns_answer_addresses(outcome->answer, &entry->server.addresses) : 0;

    if (r < 0) {
        zone_servers_fail_errno(p, r);
        return;
    }
    if (!outcome->answer && !entry->trouble)
        entry->trouble = strdup(outcome->trouble);
    if (--p->n_pending == 0)
        finish(p);
}

static void on_a(const DnsOutcome *outcome, void *userdata)
{
    Entry *entry = userdata;

    entry->asks[0] = NULL;
    on_addresses(entry, outcome);
}

static void on_aaaa(const DnsOutcome *outcome, void *userdata)
{
    Entry *entry = userdata;

    entry->asks[1] = NULL;
    on_addresses(entry, outcome);
}

static int ask_source(const ZoneServers *p, const char *name, ldns_rr_type type,
                      dns_ask_cb callback, void *userdata, DnsAsk **ret)
{
    const DnsSettings *settings = p->settings;
    bool of_resolver = p->use == DNS_USE_RESOLVED;
    DnsAskRequest request = { .servers = p->source, .use = p->use, .timeout = settings->timeout };
    int r = dns_query_new(name, type, of_resolver, &request.message);

    if (!of_resolver) {
        request.key = settings->query_key;
        request.words = dns_settings_words(settings, settings->query_key);
    }
    return r < 0 ? r : dns_ask_start(settings->pool, &request, callback, userdata, ret);
}

static int ask_addresses(ZoneServers *p, char *const *names)
{
    static const struct {
        ldns_rr_type type;
        dns_ask_cb callback;
    } kinds[] = { { LDNS_RR_TYPE_A, on_a }, { LDNS_RR_TYPE_AAAA, on_aaaa } };

    p->entries = calloc(strv_length(names), sizeof(*p->entries));
    if (!p->entries)
        return -ENOMEM;
    STRV_FOREACH (name, names) {
        Entry *entry = &p->entries[p->n_entries];

        entry->servers = p;
        entry->server.name = strdup(*name);
        if (!entry->server.name)
            return -ENOMEM;
        p->n_entries++;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
            int r = ask_source(p, *name, kinds[i].type, kinds[i].callback, entry, &entry->asks[i]);

            if (r < 0)
                return r;
            p->n_pending++;
        }
    }
    return 0;
}

static int ask_name_servers(ZoneServers *p);

/* The resolvers may not know a private zone: ask the servers that are updated. */
static bool ask_the_other(ZoneServers *p)
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
    ZoneServers *p = userdata;
    int r = 0;

    p->ask = NULL;
    if (outcome->answer)
        r = dns_answer_name_servers(outcome->answer, p->zone, &names);
    if (r >= 0 && !names) {
        if (ask_the_other(p))
            return;
        if (outcome->answer)
            dns_trouble_add(&p->trouble, "no server reports the name servers of %s%s", p->zone,
                            outcome->refused);
        else
            dns_trouble_add(&p->trouble, "no server reports the name servers of %s (%s)", p->zone,
                            outcome->trouble);
        zone_servers_fail(p);
        return;
    }
    if (r >= 0)
        r = ask_addresses(p, names);
    if (r < 0)
        zone_servers_fail_errno(p, r);
}

static int ask_name_servers(ZoneServers *p)
{
    return ask_source(p, p->zone, LDNS_RR_TYPE_NS, on_name_servers, p, &p->ask);
}

int zone_servers_find(const DnsSettings *settings, const char *zone, zone_servers_cb callback,
                      void *userdata, ZoneServers **ret)
{
    _cleanup_(zone_servers_freep) ZoneServers *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    p->settings = settings;
    p->zone = zone;
    p->source = &settings->resolvers;
    p->use = DNS_USE_RESOLVED;
    p->callback = callback;
    p->userdata = userdata;
    r = ask_name_servers(p);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

size_t zone_servers_count(const ZoneServers *p)
{
    return p->n_entries;
}

const ZoneServer *zone_servers_get(const ZoneServers *p, size_t i)
{
    return &p->entries[i].server;
}
