/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/lookup.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>

#include "dns/ask.h"
#include "x509/dns-name.h"

/* More than resolvers follow, less than a loop takes. */
#define ALIASES_MAX 16U

struct DnsLookup {
    const DnsSettings *settings;
    char *owner;
    const char *above; /* the part of it whose SOA record is asked for */
    char *target;      /* where it leads as an alias, but it may be a wildcard's; else NULL */
    char *below;       /* who is an alias to there too, if it is one */
    unsigned n_aliases;
    bool of_resolver; /* who is asked whether it is an alias */
    DnsAsk *ask;
    dns_lookup_cb callback;
    void *userdata;
};

DnsLookup *dns_lookup_cancel(DnsLookup *place)
{
    if (!place)
        return NULL;
    dns_ask_cancel(place->ask);
    free(place->owner);
    free(place->target);
    free(place->below);
    free(place);
    return NULL;
}

DEFINE_CLEANUP_FUNC(DnsLookup *, dns_lookup_cancel)

static int ask_first_for_alias(DnsLookup *place);
static int ask_zone(DnsLookup *place);

static void place_end(DnsLookup *place, const char *zone)
{
    _cleanup_(dns_lookup_cancelp) DnsLookup *owned = place;

    place->callback(place->owner, zone, NULL, place->userdata);
    (void)owned;
}

static void _printf_(2, 3) place_fail(DnsLookup *place, const char *format, ...)
{
    _cleanup_(dns_lookup_cancelp) DnsLookup *owned = place;
    _cleanup_free_ char *trouble = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&trouble, format, arguments) < 0)
        trouble = NULL;
    va_end(arguments);
    place->callback(NULL, NULL, str_or(trouble, "out of memory"), place->userdata);
    (void)owned;
}

static void place_fail_errno(DnsLookup *place, int error)
{
    if (error == -EINVAL)
        place_fail(place, "an alias leads to '%s', which is no name", place->owner);
    else
        place_fail(place, "%s cannot be looked up: %s", place->owner, strerror(-error));
}

/* The owner leads there. */
static void follow(DnsLookup *place)
{
    int r;

    free(place->owner);
    place->owner = TAKE_PTR(place->target);
    if (++place->n_aliases > ALIASES_MAX) {
        place_fail(place, "the aliases (CNAME) go in a circle, or too far, by way of %s",
                   place->owner);
        return;
    }
    r = ask_first_for_alias(place);
    if (r < 0)
        place_fail_errno(place, r);
}

static void on_zone(const DnsOutcome *outcome, void *userdata)
{
    _cleanup_free_ char *zone = NULL;
    DnsLookup *place = userdata;
    int r;

    place->ask = NULL;
    if (!outcome->answer && place->target) {
        follow(place);
        return;
    }
    if (!outcome->answer) {
        place_fail(place, "no server says which zone %s is in (%s)", place->owner,
                   outcome->trouble);
        return;
    }
    r = dns_answer_zone(outcome->answer, place->above, &zone);
    if (r >= 0 && zone) {
        place_end(place, zone);
        return;
    }
    if (r >= 0 && !*place->above) {
        place_fail(place, "no zone is found that %s is in", place->owner);
        return;
    }
    place->above += strcspn(place->above, ".");
    place->above += *place->above == '.';
    if (r >= 0)
        r = ask_zone(place);
    if (r < 0)
        place_fail_errno(place, r);
}

static int ask_zone(DnsLookup *place)
{
    const DnsSettings *settings = place->settings;
    DnsAsking asking = { .servers = &settings->servers,
                         .use = DNS_USE_AUTHORITATIVE,
                         .timeout = settings->timeout };
    ldns_pkt *query;
    int r = dns_query_new(place->above, LDNS_RR_TYPE_SOA, false, &query);

    return r < 0 ? r : dns_ask_start(settings->pool, &asking, query, on_zone, place, &place->ask);
}

static void find_zone(DnsLookup *place)
{
    const char *zone = place->settings->verification->zone;
    int r;

    if (zone && dns_name_is_within(place->owner, zone)) {
        place_end(place, zone);
        return;
    }
    if (zone && place->target) {
        follow(place);
        return;
    }
    if (zone) {
        place_fail(place, "%s is not in the zone %s of the configuration", place->owner, zone);
        return;
    }
    place->above = place->owner;
    r = ask_zone(place);
    if (r < 0)
        place_fail_errno(place, r);
}

static int ask_cname(DnsLookup *place, const char *name, dns_ask_cb callback)
{
    const DnsSettings *settings = place->settings;
    bool of_resolver = place->of_resolver;
    DnsAsking asking = { .servers = of_resolver ? &settings->resolvers : &settings->servers,
                         .use = of_resolver ? DNS_USE_RESOLVED : DNS_USE_AUTHORITATIVE,
                         .timeout = settings->timeout };
    ldns_pkt *query;
    int r = dns_query_new(name, LDNS_RR_TYPE_CNAME, of_resolver, &query);

    return r < 0 ? r : dns_ask_start(settings->pool, &asking, query, callback, place, &place->ask);
}

/* A wildcard (RFC 4592) is meant for those names that nobody thought of, and for all below them: a
 * name below the owner is an alias to the same place then. Below a CNAME record of the owner's own
 * nothing comes from a wildcard above it (§3.3.1), even where one is there that leads to the same
 * place. A record of ours puts an end to the wildcard at the owner, but has no effect beside a
 * CNAME record (RFC 2136 §3.4.2.2), and where we have no say there is to follow. */
static void on_below(const DnsOutcome *outcome, void *userdata)
{
    _cleanup_free_ char *target = NULL;
    DnsLookup *place = userdata;

    place->ask = NULL;
    if (outcome->answer)
        (void)dns_answer_alias(outcome->answer, place->below, &target);
    if (target && streq(target, place->target))
        find_zone(place);
    else
        follow(place);
}

/* By a label that nobody has, nor any resolver remembers; -EINVAL: there is no room for one. */
static int ask_below(DnsLookup *place)
{
    size_t length = strlen(place->owner);
    size_t room = length < DNS_NAME_MAX ? DNS_NAME_MAX - length - 1 : 0;
    char label[17];
    uint64_t random;

    if (room == 0)
        return -EINVAL;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        return -EIO;
    (void)snprintf(label, sizeof(label), "%.16" PRIx64, random);
    free(place->below);
    if (asprintf(&place->below, "%.*s.%s", (int)room, label, place->owner) < 0) {
        place->below = NULL;
        return -ENOMEM;
    }
    return ask_cname(place, place->below, on_below);
}

static int ask_alias(DnsLookup *place, bool of_resolver);

static void on_alias(const DnsOutcome *outcome, void *userdata)
{
    DnsLookup *place = userdata;
    int r;

    place->ask = NULL;
    if (!outcome->answer && !place->of_resolver && ask_alias(place, true) >= 0)
        return;
    if (!outcome->answer) {
        place_fail(place, "no resolver says whether %s is an alias (%s)", place->owner,
                   outcome->trouble);
        return;
    }
    r = dns_answer_alias(outcome->answer, place->owner, &place->target);
    if (r < 0)
        place_fail_errno(place, r);
    else if (!place->target)
        find_zone(place);
    else if (ask_below(place) < 0)
        follow(place);
}

static int ask_alias(DnsLookup *place, bool of_resolver)
{
    place->of_resolver = of_resolver;
    return ask_cname(place, place->owner, on_alias);
}

/* A resolver that is asked for a name which is not there yet may say so to the CA for as long as
 * the zone lets it. The servers that are updated know better about their zones, unless the
 * configuration says by a resolver that others see them differently. */
static int ask_first_for_alias(DnsLookup *place)
{
    return ask_alias(place, place->settings->verification->resolvers);
}

int dns_lookup_find(const DnsSettings *settings, const char *name, dns_lookup_cb callback,
                    void *userdata, DnsLookup **ret)
{
    _cleanup_(dns_lookup_cancelp) DnsLookup *place = calloc(1, sizeof(*place));
    int r;

    if (!place)
        return -ENOMEM;
    place->settings = settings;
    place->callback = callback;
    place->userdata = userdata;
    if (asprintf(&place->owner, "_acme-challenge.%s", name) < 0) {
        place->owner = NULL;
        return -ENOMEM;
    }
    r = ask_first_for_alias(place);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(place);
    return 0;
}
