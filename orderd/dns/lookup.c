/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/lookup.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>

#include "dns/answer.h"
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

DnsLookup *dns_lookup_cancel(DnsLookup *lookup)
{
    if (!lookup)
        return NULL;
    dns_ask_cancel(lookup->ask);
    free(lookup->owner);
    free(lookup->target);
    free(lookup->below);
    free(lookup);
    return NULL;
}

DEFINE_CLEANUP_FUNC(DnsLookup *, dns_lookup_cancel)

static int ask_first_for_alias(DnsLookup *lookup);
static int ask_zone(DnsLookup *lookup);

static void lookup_end(DnsLookup *lookup, const char *zone)
{
    _cleanup_(dns_lookup_cancelp) DnsLookup *owned = lookup;

    lookup->callback(lookup->owner, zone, NULL, lookup->userdata);
    (void)owned;
}

static void _printf_(2, 3) lookup_fail(DnsLookup *lookup, const char *format, ...)
{
    _cleanup_(dns_lookup_cancelp) DnsLookup *owned = lookup;
    _cleanup_free_ char *trouble = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&trouble, format, arguments) < 0)
        trouble = NULL;
    va_end(arguments);
    lookup->callback(NULL, NULL, str_or(trouble, "out of memory"), lookup->userdata);
    (void)owned;
}

static void lookup_fail_errno(DnsLookup *lookup, int error)
{
    if (error == -EINVAL)
        lookup_fail(lookup, "an alias leads to '%s', which is no name", lookup->owner);
    else
        lookup_fail(lookup, "%s cannot be looked up: %s", lookup->owner, strerror(-error));
}

/* The owner leads there. */
static void follow(DnsLookup *lookup)
{
    int r;

    free(lookup->owner);
    lookup->owner = TAKE_PTR(lookup->target);
    if (++lookup->n_aliases > ALIASES_MAX) {
        lookup_fail(lookup, "the aliases (CNAME) go in a circle, or too far, by way of %s",
                    lookup->owner);
        return;
    }
    r = ask_first_for_alias(lookup);
    if (r < 0)
        lookup_fail_errno(lookup, r);
}

static void on_zone(const DnsOutcome *outcome, void *userdata)
{
    _cleanup_free_ char *zone = NULL;
    DnsLookup *lookup = userdata;
    int r;

    lookup->ask = NULL;
    if (!outcome->answer && lookup->target) {
        follow(lookup);
        return;
    }
    if (!outcome->answer) {
        lookup_fail(lookup, "no server says which zone %s is in (%s)", lookup->owner,
                    outcome->trouble);
        return;
    }
    r = dns_answer_zone(outcome->answer, lookup->above, &zone);
    if (r >= 0 && zone) {
        lookup_end(lookup, zone);
        return;
    }
    if (r >= 0 && !*lookup->above) {
        lookup_fail(lookup, "no zone is found that %s is in", lookup->owner);
        return;
    }
    lookup->above += strcspn(lookup->above, ".");
    lookup->above += *lookup->above == '.';
    if (r >= 0)
        r = ask_zone(lookup);
    if (r < 0)
        lookup_fail_errno(lookup, r);
}

static int ask_zone(DnsLookup *lookup)
{
    const DnsSettings *settings = lookup->settings;
    DnsAskRequest request = { .servers = &settings->servers,
                              .use = DNS_USE_AUTHORITATIVE,
                              .timeout = settings->timeout };
    int r = dns_query_new(lookup->above, LDNS_RR_TYPE_SOA, false, &request.message);

    return r < 0 ? r : dns_ask_start(settings->pool, &request, on_zone, lookup, &lookup->ask);
}

static void find_zone(DnsLookup *lookup)
{
    const char *zone = lookup->settings->verification->zone;
    int r;

    if (zone && dns_name_is_within(lookup->owner, zone)) {
        lookup_end(lookup, zone);
        return;
    }
    if (zone && lookup->target) {
        follow(lookup);
        return;
    }
    if (zone) {
        lookup_fail(lookup, "%s is not in the zone %s of the configuration", lookup->owner, zone);
        return;
    }
    lookup->above = lookup->owner;
    r = ask_zone(lookup);
    if (r < 0)
        lookup_fail_errno(lookup, r);
}

static int ask_cname(DnsLookup *lookup, const char *name, dns_ask_cb callback)
{
    const DnsSettings *settings = lookup->settings;
    bool of_resolver = lookup->of_resolver;
    DnsAskRequest request = { .servers = of_resolver ? &settings->resolvers : &settings->servers,
                              .use = of_resolver ? DNS_USE_RESOLVED : DNS_USE_AUTHORITATIVE,
                              .timeout = settings->timeout };
    int r = dns_query_new(name, LDNS_RR_TYPE_CNAME, of_resolver, &request.message);

    return r < 0 ? r : dns_ask_start(settings->pool, &request, callback, lookup, &lookup->ask);
}

/* A wildcard (RFC 4592) is meant for those names that nobody thought of, and for all below them: a
 * name below the owner is an alias to the same lookup then. Below a CNAME record of the owner's own
 * nothing comes from a wildcard above it (§3.3.1), even where one is there that leads to the same
 * lookup. A record of ours puts an end to the wildcard at the owner, but has no effect beside a
 * CNAME record (RFC 2136 §3.4.2.2), and where we have no say there is to follow. */
static void on_below(const DnsOutcome *outcome, void *userdata)
{
    _cleanup_free_ char *target = NULL;
    DnsLookup *lookup = userdata;

    lookup->ask = NULL;
    if (outcome->answer)
        (void)dns_answer_alias(outcome->answer, lookup->below, &target);
    if (target && streq(target, lookup->target))
        find_zone(lookup);
    else
        follow(lookup);
}

/* By a label that nobody has, nor any resolver remembers; -EINVAL: there is no room for one. */
static int ask_below(DnsLookup *lookup)
{
    size_t length = strlen(lookup->owner);
    size_t room = length < DNS_NAME_MAX ? DNS_NAME_MAX - length - 1 : 0;
    char label[17];
    uint64_t random;

    if (room == 0)
        return -EINVAL;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        return -EIO;
    (void)snprintf(label, sizeof(label), "%.16" PRIx64, random);
    free(lookup->below);
    if (asprintf(&lookup->below, "%.*s.%s", (int)room, label, lookup->owner) < 0) {
        lookup->below = NULL;
        return -ENOMEM;
    }
    return ask_cname(lookup, lookup->below, on_below);
}

static int ask_alias(DnsLookup *lookup, bool of_resolver);

static void on_alias(const DnsOutcome *outcome, void *userdata)
{
    DnsLookup *lookup = userdata;
    int r;

    lookup->ask = NULL;
    if (!outcome->answer && !lookup->of_resolver && ask_alias(lookup, true) >= 0)
        return;
    if (!outcome->answer) {
        lookup_fail(lookup, "no resolver says whether %s is an alias (%s)", lookup->owner,
                    outcome->trouble);
        return;
    }
    r = dns_answer_alias(outcome->answer, lookup->owner, &lookup->target);
    if (r < 0)
        lookup_fail_errno(lookup, r);
    else if (!lookup->target)
        find_zone(lookup);
    else if (ask_below(lookup) < 0)
        follow(lookup);
}

static int ask_alias(DnsLookup *lookup, bool of_resolver)
{
    lookup->of_resolver = of_resolver;
    return ask_cname(lookup, lookup->owner, on_alias);
}

/* A resolver that is asked for a name which is not there yet may say so to the CA for as long as
 * the zone lets it. The servers that are updated know better about their zones, unless the
 * configuration says by a resolver that others see them differently. */
static int ask_first_for_alias(DnsLookup *lookup)
{
    return ask_alias(lookup, lookup->settings->verification->resolvers);
}

int dns_lookup_find(const DnsSettings *settings, const char *name, dns_lookup_cb callback,
                    void *userdata, DnsLookup **ret)
{
    _cleanup_(dns_lookup_cancelp) DnsLookup *lookup = calloc(1, sizeof(*lookup));
    int r;

    if (!lookup)
        return -ENOMEM;
    lookup->settings = settings;
    lookup->callback = callback;
    lookup->userdata = userdata;
    if (asprintf(&lookup->owner, "_acme-challenge.%s", name) < 0) {
        lookup->owner = NULL;
        return -ENOMEM;
    }
    r = ask_first_for_alias(lookup);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(lookup);
    return 0;
}
