/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "txt-records/lookup.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>

#include "dns/answer.h"
#include "dns/ask.h"
#include "strings/strv.h"
#include "x509/dns-name.h"

/* More than resolvers follow. Stops a loop. */
#define ALIASES_MAX 16U

struct DnsLookup {
    const DnsSettings *settings;
    char *first; /* the owner before all aliases: _acme-challenge.NAME */
    char *owner;
    const char *above; /* the part of it whose SOA record is requested */
    char *target;      /* of the alias at the owner, maybe of a wildcard; NULL: no alias */
    /* A random name below the owner: an alias too if the alias comes from a wildcard. */
    char *below;
    unsigned n_aliases;
    /* The zone at the end of the aliases: good if it is the zone of .first too. NULL: not in
     * question. */
    char *questioned;
    /* The DnsOutcome.refused of the last answer about a zone; NULL: "". */
    char *refused;
    bool of_resolver; /* a resolver is asked for aliases, not the servers that are updated */
    DnsAsk *ask;
    dns_lookup_cb callback;
    void *userdata;
};

DnsLookup *dns_lookup_cancel(DnsLookup *lookup)
{
    if (!lookup)
        return NULL;
    dns_ask_cancel(lookup->ask);
    free(lookup->first);
    free(lookup->questioned);
    free(lookup->refused);
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
        lookup_fail(lookup, "an alias points to '%s', which is not a valid name", lookup->owner);
    else
        lookup_fail(lookup, "%s cannot be looked up: %s", lookup->owner, strerror(-error));
}

/* Continues at the target of the alias. */
static void follow(DnsLookup *lookup)
{
    int r;

    free(lookup->owner);
    lookup->owner = TAKE_PTR(lookup->target);
    if (++lookup->n_aliases > ALIASES_MAX) {
        lookup_fail(lookup, "the aliases (CNAME) form a loop or a chain that is too long, at %s",
                    lookup->owner);
        return;
    }
    r = ask_first_for_alias(lookup);
    if (r < 0)
        lookup_fail_errno(lookup, r);
}

/* The zone that the configuration names and that contains the owner: the longest one, as one of
 * them may be below another. NULL: none. */
static const char *configured_zone(const DnsLookup *lookup)
{
    const Verification *verification = lookup->settings->verification;
    const char *found = verification->zone;

    if (found && !dns_name_is_within(lookup->owner, found))
        found = NULL;
    /* An alias-zone is for aliases only. */
    if (lookup->n_aliases == 0)
        return found;
    STRV_FOREACH (zone, verification->alias_zones)
        if (dns_name_is_within(lookup->owner, *zone) && (!found || strlen(*zone) > strlen(found)))
            found = *zone;
    return found;
}

static void fail_astray(DnsLookup *lookup, const char *zone)
{
    lookup_fail(lookup,
                "the aliases (CNAME) of %s lead to %s in the zone %s, which [verification \"%s\"] "
                "does not permit; correct the alias, or add alias-zone = %s to the block",
                lookup->first, lookup->owner, zone, lookup->settings->verification->name, zone);
}

/* Whether the alias ends in a permitted zone. If the name itself may be in this zone, the servers
 * are asked. */
static void settle(DnsLookup *lookup, const char *zone)
{
    int r;

    if (lookup->n_aliases == 0 || !lookup->settings->verification->alias_zones ||
        configured_zone(lookup)) {
        lookup_end(lookup, zone);
        return;
    }
    if (!dns_name_is_within(lookup->first, zone)) {
        fail_astray(lookup, zone);
        return;
    }
    lookup->questioned = strdup(zone);
    /* An alias is no zone. */
    lookup->above = strchr(lookup->first, '.') + 1;
    r = lookup->questioned ? ask_zone(lookup) : -ENOMEM;
    if (r < 0)
        lookup_fail_errno(lookup, r);
}

static void on_found_zone(DnsLookup *lookup, const char *zone)
{
    if (!lookup->questioned)
        settle(lookup, zone);
    else if (streq(zone, lookup->questioned))
        lookup_end(lookup, lookup->questioned);
    else
        fail_astray(lookup, lookup->questioned);
}

static void on_no_zone(DnsLookup *lookup, const char *trouble)
{
    if (lookup->questioned)
        fail_astray(lookup, lookup->questioned);
    else if (trouble && lookup->target)
        follow(lookup);
    else if (trouble)
        lookup_fail(lookup, "no server reports the zone of %s (%s)", lookup->owner, trouble);
    else
        lookup_fail(lookup, "no zone was found for %s%s", lookup->owner,
                    str_or(lookup->refused, ""));
}

static void on_zone(const DnsOutcome *outcome, void *userdata)
{
    _cleanup_free_ char *zone = NULL;
    DnsLookup *lookup = userdata;
    int r;

    lookup->ask = NULL;
    if (!outcome->answer) {
        on_no_zone(lookup, outcome->trouble);
        return;
    }
    free(lookup->refused);
    lookup->refused = strdup(outcome->refused);
    r = dns_answer_zone(outcome->answer, lookup->above, &zone);
    if (r >= 0 && zone) {
        on_found_zone(lookup, zone);
        return;
    }
    if (r >= 0 && !*lookup->above) {
        on_no_zone(lookup, NULL);
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
                              .key = settings->query_key,
                              .use = DNS_USE_AUTHORITATIVE,
                              .timeout = settings->timeout,
                              .words = dns_settings_words(settings, settings->query_key) };
    int r = dns_query_new(lookup->above, LDNS_RR_TYPE_SOA, false, &request.message);

    return r < 0 ? r : dns_ask_start(settings->pool, &request, on_zone, lookup, &lookup->ask);
}

static void find_zone(DnsLookup *lookup)
{
    const char *zone = lookup->settings->verification->zone;
    const char *configured = zone ? configured_zone(lookup) : NULL;
    int r;

    if (configured) {
        lookup_end(lookup, configured);
        return;
    }
    if (zone && lookup->target) {
        follow(lookup);
        return;
    }
    if (zone) {
        lookup_fail(lookup, "%s is not in the configured zone %s", lookup->owner, zone);
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
                              .key = of_resolver ? NULL : settings->query_key,
                              .use = of_resolver ? DNS_USE_RESOLVED : DNS_USE_AUTHORITATIVE,
                              .timeout = settings->timeout };
    int r = dns_query_new(name, LDNS_RR_TYPE_CNAME, of_resolver, &request.message);

    if (!of_resolver)
        request.words = dns_settings_words(settings, settings->query_key);
    return r < 0 ? r : dns_ask_start(settings->pool, &request, callback, lookup, &lookup->ask);
}

/* Is the alias a CNAME record of the owner, or does it come from a wildcard (RFC 4592)? A wildcard
 * covers names that do not exist, and all names below them: then a random name below the owner is
 * an alias to the same target. Below a CNAME record of the owner itself, no wildcard applies
 * (§3.3.1), even if one points to the same target. A record that we add at the owner ends the
 * effect of the wildcard there, so the record belongs at the owner. Beside a CNAME record an update
 * has no effect (RFC 2136 §3.4.2.2), and the record belongs at the end of the alias. */
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

/* Asks for a random label, which does not exist and is in no cache. -EINVAL: the name would be too
 * long. */
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
        lookup_fail(lookup, "no resolver tells whether %s is an alias (%s)", lookup->owner,
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

/* Ask the servers that are updated first. A resolver would cache that the name does not exist, and
 * might give that answer to the CA. But if the configuration names a resolver, the CA sees the
 * zones differently than these servers: then ask the resolver. */
static int ask_first_for_alias(DnsLookup *lookup)
{
    return ask_alias(lookup, lookup->settings->verification->resolvers);
}

int dns_lookup_find(const DnsSettings *settings, const char *owner, dns_lookup_cb callback,
                    void *userdata, DnsLookup **ret)
{
    _cleanup_(dns_lookup_cancelp) DnsLookup *lookup = calloc(1, sizeof(*lookup));
    int r;

    if (!lookup)
        return -ENOMEM;
    lookup->settings = settings;
    lookup->callback = callback;
    lookup->userdata = userdata;
    lookup->owner = strdup(owner);
    lookup->first = strdup(owner);
    if (!lookup->owner || !lookup->first)
        return -ENOMEM;
    r = ask_first_for_alias(lookup);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(lookup);
    return 0;
}
