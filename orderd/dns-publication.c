/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns-publication.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/queue.h>

#include "dns-ask.h"
#include "dns-place.h"
#include "dns-record.h"
#include "dns-removal.h"
#include "log.h"
#include "polling.h"
#include "propagation.h"
#include "strv.h"

/* For the same record to be gone before it is put there anew. */
#define TURN_PAUSE (100 * USEC_PER_MSEC)

struct DnsPublication {
    DnsPublications *all;
    LIST_ENTRY(DnsPublication) list;
    Config *config;
    DnsRealm *realm;
    char *name;
    DnsText text;
    char key[STORAGE_KEY_SIZE]; /* of the file; "" before there is a place */
    bool is_written;            /* on disk: it may be in DNS, … */
    DnsServerSet holders;       /* … at these of the realm's servers */
    bool is_withdrawn;
    DnsPlace *place;
    DnsAsk *ask; /* to add it */
    Propagation *propagation;
    DnsRemoval *removal;
    sd_event_source *timer; /* before it is added */
    dns_publication_cb callback;
    void *userdata;
};

struct DnsPublications {
    sd_event *event;
    DnsPool *pool;
    LIST_HEAD(, DnsPublication) list;
};

static void publication_free(DnsPublication *p)
{
    LIST_REMOVE(p, list);
    dns_place_cancel(p->place);
    dns_ask_cancel(p->ask);
    propagation_cancel(p->propagation);
    dns_removal_cancel(p->removal);
    sd_event_source_disable_unref(p->timer);
    dns_realm_free(p->realm);
    config_unref(p->config);
    dns_text_done(&p->text);
    free(p->name);
    free(p);
}

DEFINE_CLEANUP_FUNC(DnsPublication *, publication_free)

/* @servers: NULL: it is not known which of them have it. */
static DnsRecord record_of(const DnsPublication *p, char *servers)
{
    return (DnsRecord){
        .verification = p->realm->verification->name,
        .name = p->name,
        .zone = p->text.zone,
        .owner = p->text.owner,
        .value = p->text.value,
        .servers = servers,
        .created = time(NULL),
    };
}

static int write_down(const DnsPublication *p, char *servers)
{
    const DnsRecord record = record_of(p, servers);
    int r = dns_record_save(p->config->state_directory, &record);

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "The TXT record for %s cannot be noted in '%s': %m", p->name,
                        p->config->state_directory);
    return r;
}

/* Those of a record on disk that may have it: all, where nobody of them is known to. */
static DnsServerSet holders_of(const DnsPublication *p, const DnsRecord *record)
{
    DnsServerSet holders =
        record->servers ? dns_servers_find(&p->realm->servers, record->servers) : 0;

    return holders ? holders : dns_servers_all(&p->realm->servers);
}

static void _printf_(2, 3) publication_fail(DnsPublication *p, const char *format, ...)
{
    _cleanup_free_ char *why = NULL;
    Failure failure = { 0 };
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&why, format, arguments) < 0)
        why = NULL;
    va_end(arguments);
    failure_set(&failure, LOG_EVENT_CHALLENGE_NOT_PUBLISHED, 421, 0, "%s: %s", p->name,
                str_or(why, "out of memory"));
    p->callback(&failure, p->userdata);
    failure_done(&failure);
}

static void publication_fail_here(DnsPublication *p)
{
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
                "The server cannot work on its DNS records: its journal says why.");
    p->callback(&failure, p->userdata);
    failure_done(&failure);
}

static void publication_fail_errno(DnsPublication *p, int error)
{
    log_error_errno(error, "The TXT record for %s cannot be worked on: %m", p->name);
    publication_fail_here(p);
}

/* @is_meant: NULL: whichever. */
static DnsPublication *find_same(const DnsPublication *p,
                                 bool (*is_meant)(const DnsPublication *other))
{
    DnsPublication *other;

    LIST_FOREACH (other, &p->all->list, list)
        if (other != p && other->is_written && (!is_meant || is_meant(other)) &&
            streq(other->key, p->key))
            return other;
    return NULL;
}

static bool is_wanted(const DnsPublication *p)
{
    return !p->is_withdrawn;
}

static bool is_leaving(const DnsPublication *p)
{
    return p->is_withdrawn;
}

/* Something is done with the record just now. */
static bool is_under_way(const DnsPublication *p)
{
    return p->ask || (p->removal && dns_removal_is_under_way(p->removal));
}

/* Whoever will remove the record some time. */
static bool is_to_remove(const DnsPublication *p)
{
    return is_wanted(p) || p->ask || p->removal;
}

/* Who may have the record that both are about. Sets of different configurations are not to be
 * compared. */
static void take_holders(DnsPublication *p, const DnsPublication *from)
{
    DnsServerSet holders = from->removal ? dns_removal_holders(from->removal) : from->holders;

    if (from->config != p->config)
        holders = dns_servers_all(&p->realm->servers);
    p->holders |= holders;
    if (p->removal)
        dns_removal_add(p->removal, holders);
}

static int schedule(DnsPublication *p, usec_t delay)
{
    int r = sd_event_source_set_time_relative(p->timer, delay);

    return r < 0 ? r : sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

/* ---- away -------------------------------------------------------------------------------- */

static void forget(DnsPublication *p)
{
    int r = dns_record_remove(p->config->state_directory, p->key);

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "The file of the TXT record at %s in '%s' stays: %m", p->text.owner,
                        p->config->state_directory);
    publication_free(p);
}

static void on_removed(const char *trouble, void *userdata)
{
    DnsPublication *p = userdata;

    p->removal = NULL;
    if (trouble) {
        log_event(LOG_EVENT_CHALLENGE_NOT_WITHDRAWN, NULL,
                  "The TXT record '%s' at %s for %s is not removed, and tried again in an hour: %s",
                  p->text.value, p->text.owner, p->name, trouble);
        publication_free(p);
    } else {
        forget(p);
    }
}

static void start_removal(DnsPublication *p)
{
    DnsPublication *other = find_same(p, is_to_remove);
    int r;

    if (other) {
        take_holders(other, p);
        publication_free(p);
        return;
    }
    r = dns_removal_start(p->all->event, p->realm, &p->text, p->holders, on_removed, p,
                          &p->removal);
    if (r < 0)
        on_removed(strerror(-r), p);
}

void dns_publication_withdraw(DnsPublication *p)
{
    p->is_withdrawn = true;
    p->place = dns_place_cancel(p->place);
    p->propagation = propagation_cancel(p->propagation);
    (void)sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
    if (!p->is_written)
        publication_free(p);
    else if (!p->ask)
        start_removal(p);
    /* Else it is being added: whichever of both came last would win. */
}

/* ---- there ------------------------------------------------------------------------------- */

static void on_propagated(const char *trouble, void *userdata)
{
    DnsPublication *p = userdata;

    p->propagation = NULL;
    if (trouble)
        publication_fail(p,
                         "its TXT record at %s is not to be seen at every server of the zone %s "
                         "(%s)",
                         p->text.owner, p->text.zone, trouble);
    else
        p->callback(NULL, p->userdata);
}

static void await_propagation(DnsPublication *p)
{
    int r;

    if (p->realm->verification->skip_propagation_check) {
        p->callback(NULL, p->userdata);
        return;
    }
    r = propagation_await(p->all->event, p->realm, &p->text, on_propagated, p, &p->propagation);
    if (r < 0)
        publication_fail_errno(p, r);
}

/* It was never sent, or never taken, and there was none before. */
static void strike_out(DnsPublication *p)
{
    if (p->holders)
        return;
    if (p->is_written && !find_same(p, is_wanted))
        (void)dns_record_remove(p->config->state_directory, p->key);
    p->is_written = false;
}

/* So that it is removed there, and nowhere else, by whoever comes after. */
static void enter_holders(const DnsPublication *p)
{
    _cleanup_free_ char *servers = dns_servers_format(&p->realm->servers, p->holders);

    if (servers)
        (void)write_down(p, servers);
}

static void on_added(const DnsOutcome *outcome, void *userdata)
{
    DnsPublication *p = userdata;

    p->ask = NULL;
    p->holders |= outcome->acted;
    if (p->holders)
        enter_holders(p);
    else
        strike_out(p);
    if (p->is_withdrawn) {
        if (p->is_written)
            start_removal(p);
        else
            publication_free(p);
    } else if (outcome->answer) {
        await_propagation(p);
    } else {
        publication_fail(p, "its TXT record at %s cannot be added to the zone %s (%s)",
                         p->text.owner, p->text.zone, outcome->trouble);
    }
}

/* Before it is sent anywhere. What a former life has left of the same value is taken over. */
static int enter(DnsPublication *p)
{
    _cleanup_(dns_record_done) DnsRecord record = { 0 };
    int r = 0;

    if (!find_same(p, NULL) &&
        dns_record_load(p->config->state_directory, p->key, &record) != -ENOENT)
        p->holders = holders_of(p, &record);
    r = write_down(p, NULL);
    p->is_written = r >= 0;
    return r;
}

/* What is leaving stays: it is taken over. */
static int add(DnsPublication *p, DnsPublication *leaving)
{
    const DnsRealm *realm = p->realm;
    DnsAsking asking = { .servers = &realm->servers,
                         .key = realm->key,
                         .use = DNS_USE_GRANTED,
                         .timeout = realm->timeout };
    ldns_pkt *request;
    int r;

    if (leaving) {
        take_holders(p, leaving);
        publication_free(leaving);
    }
    r = dns_update_new(&p->text, true, realm->verification->ttl, &request);
    return r < 0 ? r : dns_ask_start(realm->pool, &asking, request, on_added, p, &p->ask);
}

static void start_adding(DnsPublication *p)
{
    DnsPublication *leaving = find_same(p, is_leaving);
    int r;

    if (leaving && is_under_way(leaving)) {
        r = schedule(p, TURN_PAUSE);
    } else if (enter(p) >= 0) {
        r = add(p, leaving);
    } else {
        publication_fail_here(p);
        return;
    }
    if (r < 0) {
        strike_out(p);
        publication_fail_errno(p, r);
    }
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    start_adding(userdata);
    return 0;
}

static void on_place(const char *owner, const char *zone, const char *trouble, void *userdata)
{
    DnsPublication *p = userdata;
    DnsRecord record;
    int r = -ENOMEM;

    p->place = NULL;
    if (trouble) {
        publication_fail(p, "%s", trouble);
        return;
    }
    p->text.owner = strdup(owner);
    p->text.zone = strdup(zone);
    record = record_of(p, NULL);
    if (p->text.owner && p->text.zone)
        r = dns_record_key(&record, p->key);
    if (r < 0)
        publication_fail_errno(p, r);
    else
        start_adding(p);
}

static int publication_new(DnsPublications *all, Config *config, const Verification *verification,
                           char **ret_why, DnsPublication **ret)
{
    _cleanup_(publication_freep) DnsPublication *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    p->all = all;
    p->config = config_ref(config);
    LIST_INSERT_HEAD(&all->list, p, list);
    r = dns_realm_new(all->pool, verification, ret_why, &p->realm);
    if (r >= 0)
        r = sd_event_add_time_relative(all->event, &p->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY,
                                       on_timer, p);
    if (r >= 0)
        r = sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

int dns_publication_start(DnsPublications *all, Config *config, const Verification *verification,
                          const char *name, const char *value, dns_publication_cb callback,
                          void *userdata, DnsPublication **ret)
{
    _cleanup_(publication_freep) DnsPublication *p = NULL;
    _cleanup_free_ char *why = NULL;
    int r = publication_new(all, config, verification, &why, &p);

    if (r >= 0) {
        p->callback = callback;
        p->userdata = userdata;
        p->name = strdup(name);
        p->text.value = strdup(value);
        r = p->name && p->text.value ? dns_place_find(p->realm, p->name, on_place, p, &p->place)
                                     : -ENOMEM;
    }
    if (r < 0)
        return log_event_errno(LOG_EVENT_CHALLENGE_NOT_WRITTEN, r,
                               "[verification \"%s\"] cannot be used for %s: %s",
                               verification->name, name, str_or(why, strerror(-r)));
    *ret = TAKE_PTR(p);
    return 0;
}

const char *dns_publication_owner(const DnsPublication *p)
{
    return p->text.owner;
}

const char *dns_publication_lag(const DnsPublication *p)
{
    return p->propagation ? propagation_lag(p->propagation) : NULL;
}

/* ---- all of them ------------------------------------------------------------------------- */

int dns_publications_new(sd_event *event, DnsPublications **ret)
{
    _cleanup_(dns_publications_freep) DnsPublications *all = calloc(1, sizeof(*all));
    int r;

    if (!all)
        return -ENOMEM;
    all->event = sd_event_ref(event);
    LIST_INIT(&all->list);
    r = dns_pool_new(event, &all->pool);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(all);
    return 0;
}

DnsPublications *dns_publications_free(DnsPublications *all)
{
    DnsPublication *p;

    if (!all)
        return NULL;
    while ((p = LIST_FIRST(&all->list)))
        publication_free(p);
    dns_pool_free(all->pool);
    sd_event_unref(all->event);
    free(all);
    return NULL;
}

static bool is_claimed(const DnsPublications *all, const char *key)
{
    const DnsPublication *p;

    LIST_FOREACH (p, &all->list, list)
        if (streq(p->key, key))
            return true;
    return false;
}

static int say_it_stays(const DnsRecord *record, int error, const char *why)
{
    return log_event_errno(LOG_EVENT_CHALLENGE_NOT_WITHDRAWN, error,
                           "The TXT record '%s' at %s for %s stays: [verification \"%s\"]: %s",
                           record->value, record->owner, record->name, record->verification, why);
}

/* Takes the record over. */
static int remove_left(DnsPublications *all, Config *config, const char *key, DnsRecord *record)
{
    const Verification *verification = config_find_verification(config, record->verification);
    _cleanup_free_ char *why = NULL;
    DnsPublication *p = NULL;
    int r;

    if (!verification || verification->type != VERIFICATION_DNS01_DNSUPDATE)
        return say_it_stays(record, -ENOENT,
                            "there is no such block of type dns01-dnsUpdate any more");
    r = publication_new(all, config, verification, &why, &p);
    if (r < 0)
        return say_it_stays(record, r, str_or(why, strerror(-r)));
    memcpy(p->key, key, sizeof(p->key));
    p->is_written = p->is_withdrawn = true;
    p->holders = holders_of(p, record);
    p->name = TAKE_PTR(record->name);
    p->text = (DnsText){ .zone = TAKE_PTR(record->zone),
                         .owner = TAKE_PTR(record->owner),
                         .value = TAKE_PTR(record->value) };
    start_removal(p);
    return 0;
}

/* Removals by servers and keys of an older configuration, as long as they wait for their next turn.
 */
static void drop_outdated(DnsPublications *all, const Config *config)
{
    DnsPublication *p = LIST_FIRST(&all->list), *next;

    for (; p; p = next) {
        next = LIST_NEXT(p, list);
        if (p->removal && p->config != config && !is_under_way(p))
            publication_free(p);
    }
}

bool dns_publications_sweep(DnsPublications *all, Config *config,
                            bool (*is_needed)(const char *name, void *userdata), void *userdata)
{
    const char *state = config->state_directory;
    _cleanup_strv_ char **keys = NULL;
    bool is_done = true;
    int r;

    drop_outdated(all, config);
    r = dns_record_list(state, &keys);
    STRV_FOREACH (key, keys) {
        _cleanup_(dns_record_done) DnsRecord record = { 0 };

        if (is_claimed(all, *key))
            continue;
        r = dns_record_load(state, *key, &record);
        if (r < 0)
            log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                            "The file of a TXT record, dns/%.16s….json in '%s', stays: %m", *key,
                            state);
        else if (is_needed(record.name, userdata))
            is_done = false;
        else
            (void)remove_left(all, config, *key, &record);
    }
    if (r < 0 && !keys)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "TXT records of before stay, dns/ in '%s' cannot be read: %m", state);
    return is_done;
}
