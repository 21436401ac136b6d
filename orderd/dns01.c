/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns01.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/queue.h>

#include "dns-ask.h"
#include "dns-place.h"
#include "dns-record.h"
#include "dns-removal.h"
#include "encode.h"
#include "log.h"
#include "polling.h"
#include "propagation.h"
#include "strv.h"

/* For the same record to be gone before it is put there anew. */
#define TURN_PAUSE (100 * USEC_PER_MSEC)

typedef enum State {
    STATE_WORKING, /* until it is in DNS, or will not be */
    STATE_VISIBLE, /* but the CA is not told yet */
    STATE_TOLD,    /* whichever it is, or nobody wants to know any more */
} State;

/* One TXT record, from the search for its place until it is gone again. */
typedef struct Publication {
    Dns01 *dns01;
    LIST_ENTRY(Publication) list;
    Config *config;
    DnsRealm *realm;
    char *name;
    DnsText text;
    char key[STORAGE_KEY_SIZE]; /* of the file; "" before there is a place */
    State state;
    uint64_t serial;      /* in the order of arrival */
    uint64_t horizon;     /* of those that had arrived when it became visible */
    const void *group;    /* see Challenge */
    bool is_written;      /* on disk: it may be in DNS, … */
    DnsServerSet holders; /* … at these of the realm's servers */
    bool is_withdrawn;
    DnsPlace *place;
    DnsAsk *ask; /* to add it */
    Propagation *propagation;
    DnsRemoval *removal;
    sd_event_source *timer; /* before it is added */
    solver_cb callback;
    void *userdata;
} Publication;

struct Dns01 {
    sd_event *event;
    DnsPool *pool;
    LIST_HEAD(, Publication) publications;
    uint64_t serial;
    sd_event_source *release;
};

static void publication_free(Publication *p)
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

DEFINE_CLEANUP_FUNC(Publication *, publication_free)

/* @servers: NULL: it is not known which of them have it. */
static DnsRecord record_of(const Publication *p, char *servers)
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

static int write_down(const Publication *p, char *servers)
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
static DnsServerSet holders_of(const Publication *p, const DnsRecord *record)
{
    DnsServerSet holders =
        record->servers ? dns_servers_find(&p->realm->servers, record->servers) : 0;

    return holders ? holders : dns_servers_all(&p->realm->servers);
}

/* Those that wait for others are looked at from the loop: whoever is told does as he likes. */
static void release_soon(Dns01 *dns01)
{
    (void)sd_event_source_set_time_relative(dns01->release, 0);
    (void)sd_event_source_set_enabled(dns01->release, SD_EVENT_ONESHOT);
}

/* Whoever is told may withdraw the publication: nothing touches it afterwards. */
static void publication_tell(Publication *p, const Failure *failure)
{
    p->state = STATE_TOLD;
    release_soon(p->dns01);
    p->callback(failure, p->userdata);
}

/* A resolver remembers all values at a name together: had it seen one before the others were there,
 * the CA would not find those for as long as the TTL lasts. */
static bool has_to_wait(const Publication *p)
{
    const Publication *other;

    LIST_FOREACH (other, &p->dns01->publications, list)
        if (other->state == STATE_WORKING && !other->is_withdrawn &&
            (other->group == p->group || (other->serial < p->horizon && other->text.owner &&
                                          streq(other->text.owner, p->text.owner))))
            return true;
    return false;
}

static Publication *next_to_release(const Dns01 *dns01)
{
    Publication *p;

    LIST_FOREACH (p, &dns01->publications, list)
        if (p->state == STATE_VISIBLE && !has_to_wait(p))
            return p;
    return NULL;
}

static int on_release(sd_event_source *source, uint64_t usec, void *userdata)
{
    Publication *p;

    (void)source;
    (void)usec;
    while ((p = next_to_release(userdata)))
        publication_tell(p, NULL);
    return 0;
}

static void publication_is_visible(Publication *p)
{
    p->state = STATE_VISIBLE;
    p->horizon = p->dns01->serial;
    release_soon(p->dns01);
}

static void _printf_(2, 3) publication_fail(Publication *p, const char *format, ...)
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
    publication_tell(p, &failure);
    failure_done(&failure);
}

static void publication_fail_here(Publication *p)
{
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
                "The server cannot work on its DNS records: its journal says why.");
    publication_tell(p, &failure);
    failure_done(&failure);
}

static void publication_fail_errno(Publication *p, int error)
{
    log_error_errno(error, "The TXT record for %s cannot be worked on: %m", p->name);
    publication_fail_here(p);
}

/* @is_meant: NULL: whichever. */
static Publication *find_same(const Publication *p, bool (*is_meant)(const Publication *other))
{
    Publication *other;

    LIST_FOREACH (other, &p->dns01->publications, list)
        if (other != p && other->is_written && (!is_meant || is_meant(other)) &&
            streq(other->key, p->key))
            return other;
    return NULL;
}

static bool is_wanted(const Publication *p)
{
    return !p->is_withdrawn;
}

static bool is_leaving(const Publication *p)
{
    return p->is_withdrawn;
}

/* Something is done with the record just now. */
static bool is_under_way(const Publication *p)
{
    return p->ask || (p->removal && dns_removal_is_under_way(p->removal));
}

/* Whoever will remove the record some time. */
static bool is_to_remove(const Publication *p)
{
    return is_wanted(p) || p->ask || p->removal;
}

/* Who may have the record that both are about. Sets of different configurations are not to be
 * compared. */
static void take_holders(Publication *p, const Publication *from)
{
    DnsServerSet holders = from->removal ? dns_removal_holders(from->removal) : from->holders;

    if (from->config != p->config)
        holders = dns_servers_all(&p->realm->servers);
    p->holders |= holders;
    if (p->removal)
        dns_removal_add(p->removal, holders);
}

static int schedule(Publication *p, usec_t delay)
{
    int r = sd_event_source_set_time_relative(p->timer, delay);

    return r < 0 ? r : sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

/* ---- away -------------------------------------------------------------------------------- */

static void forget(Publication *p)
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
    Publication *p = userdata;

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

static void start_removal(Publication *p)
{
    Publication *other = find_same(p, is_to_remove);
    int r;

    if (other) {
        take_holders(other, p);
        publication_free(p);
        return;
    }
    r = dns_removal_start(p->dns01->event, p->realm, &p->text, p->holders, on_removed, p,
                          &p->removal);
    if (r < 0)
        on_removed(strerror(-r), p);
}

static void withdraw(void *publication)
{
    Publication *p = publication;

    p->is_withdrawn = true;
    p->state = STATE_TOLD;
    release_soon(p->dns01);
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
    Publication *p = userdata;

    p->propagation = NULL;
    if (trouble)
        publication_fail(p,
                         "its TXT record at %s is not to be seen at every server of the zone %s "
                         "(%s)",
                         p->text.owner, p->text.zone, trouble);
    else
        publication_is_visible(p);
}

static void await_propagation(Publication *p)
{
    int r;

    if (p->realm->verification->skip_propagation_check) {
        publication_is_visible(p);
        return;
    }
    r = propagation_await(p->dns01->event, p->realm, &p->text, on_propagated, p, &p->propagation);
    if (r < 0)
        publication_fail_errno(p, r);
}

/* It was never sent, or never taken, and there was none before. */
static void strike_out(Publication *p)
{
    if (p->holders)
        return;
    if (p->is_written && !find_same(p, is_wanted))
        (void)dns_record_remove(p->config->state_directory, p->key);
    p->is_written = false;
}

/* So that it is removed there, and nowhere else, by whoever comes after. */
static void enter_holders(const Publication *p)
{
    _cleanup_free_ char *servers = dns_servers_format(&p->realm->servers, p->holders);

    if (servers)
        (void)write_down(p, servers);
}

static void on_added(const DnsOutcome *outcome, void *userdata)
{
    Publication *p = userdata;

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
static int enter(Publication *p)
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
static int add(Publication *p, Publication *leaving)
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

static void start_adding(Publication *p)
{
    Publication *leaving = find_same(p, is_leaving);
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
    Publication *p = userdata;
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

/* RFC 8555 §8.4 */
static char *record_value(const char *key_authorization)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t size;

    if (!EVP_Q_digest(NULL, "SHA256", NULL, key_authorization, strlen(key_authorization), digest,
                      &size))
        return NULL;
    return base64url_encode(digest, size);
}

static int publication_new(Dns01 *dns01, Config *config, const Verification *verification,
                           char **ret_why, Publication **ret)
{
    _cleanup_(publication_freep) Publication *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    p->dns01 = dns01;
    p->config = config_ref(config);
    LIST_INSERT_HEAD(&dns01->publications, p, list);
    r = dns_realm_new(dns01->pool, verification, ret_why, &p->realm);
    if (r >= 0)
        r = sd_event_add_time_relative(dns01->event, &p->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY,
                                       on_timer, p);
    if (r >= 0)
        r = sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

static int start_publication(Publication *p, const Challenge *challenge)
{
    p->group = challenge->group;
    p->serial = p->dns01->serial++;
    p->name = strdup(challenge->name);
    p->text.value = record_value(challenge->key_authorization);
    if (!p->name || !p->text.value)
        return -ENOMEM;
    return dns_place_find(p->realm, p->name, on_place, p, &p->place);
}

static int publish(const Solvers *solvers, const Challenge *challenge, solver_cb callback,
                   void *userdata, void **ret)
{
    const Verification *verification = challenge->verification;
    _cleanup_(publication_freep) Publication *p = NULL;
    _cleanup_free_ char *why = NULL;
    int r = publication_new(solvers->dns01, challenge->config, verification, &why, &p);

    if (r >= 0) {
        p->callback = callback;
        p->userdata = userdata;
        r = start_publication(p, challenge);
    }
    if (r < 0)
        return log_event_errno(LOG_EVENT_CHALLENGE_NOT_WRITTEN, r,
                               "[verification \"%s\"] cannot be used for %s: %s",
                               verification->name, challenge->name, str_or(why, strerror(-r)));
    *ret = TAKE_PTR(p);
    return 0;
}

static const char *waits_for(void *publication)
{
    Publication *p = publication;

    return p->propagation ? propagation_lag(p->propagation) : NULL;
}

const Solver dns01_solver = {
    .type = "dns-01",
    .not_offered = "the CA offers no dns-01 challenge",
    .serves_wildcards = true,
    .publish = publish,
    .waits_for = waits_for,
    .withdraw = withdraw,
};

/* ---- all of them ------------------------------------------------------------------------- */

int dns01_new(sd_event *event, Dns01 **ret)
{
    _cleanup_(dns01_freep) Dns01 *dns01 = calloc(1, sizeof(*dns01));
    int r;

    if (!dns01)
        return -ENOMEM;
    dns01->event = sd_event_ref(event);
    LIST_INIT(&dns01->publications);
    r = dns_pool_new(event, &dns01->pool);
    if (r >= 0)
        r = sd_event_add_time_relative(event, &dns01->release, CLOCK_MONOTONIC, 0, TIMER_ACCURACY,
                                       on_release, dns01);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(dns01);
    return 0;
}

Dns01 *dns01_free(Dns01 *dns01)
{
    Publication *p;

    if (!dns01)
        return NULL;
    while ((p = LIST_FIRST(&dns01->publications)))
        publication_free(p);
    dns_pool_free(dns01->pool);
    sd_event_source_disable_unref(dns01->release);
    sd_event_unref(dns01->event);
    free(dns01);
    return NULL;
}

static bool is_claimed(const Dns01 *dns01, const char *key)
{
    const Publication *p;

    LIST_FOREACH (p, &dns01->publications, list)
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
static int remove_left(Dns01 *dns01, Config *config, const char *key, DnsRecord *record)
{
    const Verification *verification = config_find_verification(config, record->verification);
    _cleanup_free_ char *why = NULL;
    Publication *p = NULL;
    int r;

    if (!verification || verification->type != VERIFICATION_DNS01_DNSUPDATE)
        return say_it_stays(record, -ENOENT,
                            "there is no such block of type dns01-dnsUpdate any more");
    r = publication_new(dns01, config, verification, &why, &p);
    if (r < 0)
        return say_it_stays(record, r, str_or(why, strerror(-r)));
    memcpy(p->key, key, sizeof(p->key));
    p->is_written = p->is_withdrawn = true;
    p->holders = holders_of(p, record);
    p->state = STATE_TOLD;
    p->name = TAKE_PTR(record->name);
    p->text = (DnsText){ .zone = TAKE_PTR(record->zone),
                         .owner = TAKE_PTR(record->owner),
                         .value = TAKE_PTR(record->value) };
    start_removal(p);
    return 0;
}

/* Removals by servers and keys of an older configuration, as long as they wait for their next turn.
 */
static void drop_outdated(Dns01 *dns01, const Config *config)
{
    Publication *p = LIST_FIRST(&dns01->publications), *next;

    for (; p; p = next) {
        next = LIST_NEXT(p, list);
        if (p->removal && p->config != config && !is_under_way(p))
            publication_free(p);
    }
}

bool dns01_sweep(Dns01 *dns01, Config *config, bool (*is_needed)(const char *name, void *userdata),
                 void *userdata)
{
    const char *state = config->state_directory;
    _cleanup_strv_ char **keys = NULL;
    bool is_done = true;
    int r;

    drop_outdated(dns01, config);
    r = dns_record_list(state, &keys);
    STRV_FOREACH (key, keys) {
        _cleanup_(dns_record_done) DnsRecord record = { 0 };

        if (is_claimed(dns01, *key))
            continue;
        r = dns_record_load(state, *key, &record);
        if (r < 0)
            log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                            "The file of a TXT record, dns/%.16s….json in '%s', stays: %m", *key,
                            state);
        else if (is_needed(record.name, userdata))
            is_done = false;
        else
            (void)remove_left(dns01, config, *key, &record);
    }
    if (r < 0 && !keys)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "TXT records of before stay, dns/ in '%s' cannot be read: %m", state);
    return is_done;
}
