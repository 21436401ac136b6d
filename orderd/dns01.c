/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns01.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/queue.h>

#include "dns-ask.h"
#include "dns-place.h"
#include "dns-record.h"
#include "encode.h"
#include "log.h"
#include "polling.h"
#include "propagation.h"
#include "strv.h"

/* Pauses double from a second to five minutes: a quarter of an hour, then the next start tries. */
#define REMOVALS_MAX 10U
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
    uint64_t serial;   /* in the order of arrival */
    uint64_t horizon;  /* of those that had arrived when it became visible */
    const void *group; /* see Challenge */
    bool is_written;   /* it may be in DNS */
    bool is_withdrawn;
    DnsPlace *place;
    DnsAsk *ask;
    Propagation *propagation;
    sd_event_source *timer; /* before it is added, or removed, again */
    unsigned n_removals;
    Backoff backoff;
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

static void start_removal(Publication *p);
static void start_adding(Publication *p);

static void publication_free(Publication *p)
{
    LIST_REMOVE(p, list);
    dns_place_cancel(p->place);
    dns_ask_cancel(p->ask);
    propagation_cancel(p->propagation);
    sd_event_source_disable_unref(p->timer);
    dns_realm_free(p->realm);
    config_unref(p->config);
    dns_text_done(&p->text);
    free(p->name);
    free(p);
}

DEFINE_CLEANUP_FUNC(Publication *, publication_free)

static DnsRecord record_of(const Publication *p)
{
    return (DnsRecord){
        .verification = p->realm->verification->name,
        .name = p->name,
        .zone = p->text.zone,
        .owner = p->text.owner,
        .value = p->text.value,
        .created = time(NULL),
    };
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

static Publication *find_same(const Publication *p, bool is_withdrawn)
{
    Publication *other;

    LIST_FOREACH (other, &p->dns01->publications, list)
        if (other != p && other->is_written && other->is_withdrawn == is_withdrawn &&
            streq(other->key, p->key))
            return other;
    return NULL;
}

static int schedule(Publication *p, usec_t delay)
{
    int r = sd_event_source_set_time_relative(p->timer, delay);

    return r < 0 ? r : sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Publication *p = userdata;

    (void)source;
    (void)usec;
    if (p->is_withdrawn)
        start_removal(p);
    else
        start_adding(p);
    return 0;
}

static int update(Publication *p, bool add, dns_ask_cb callback)
{
    const DnsRealm *realm = p->realm;
    DnsAsking asking = { .servers = &realm->servers,
                         .key = realm->key,
                         .use = DNS_USE_GRANTED,
                         .timeout = realm->timeout };
    ldns_pkt *request;
    int r = dns_update_new(&p->text, add, realm->verification->ttl, &request);

    return r < 0 ? r : dns_ask_start(realm->pool, &asking, request, callback, p, &p->ask);
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

static void retry_removal(Publication *p, const char *trouble)
{
    usec_t delay = backoff_next(&p->backoff, 0);

    if (p->n_removals == 1)
        (void)log_full(LOG_WARNING, 0, "The TXT record at %s for %s is not removed yet: %s",
                       p->text.owner, p->name, trouble);
    if (p->n_removals < REMOVALS_MAX && schedule(p, delay) >= 0)
        return;
    log_event(LOG_EVENT_CHALLENGE_NOT_WITHDRAWN, NULL,
              "The TXT record '%s' at %s for %s stays until acmems-orderd is started again: %s",
              p->text.value, p->text.owner, p->name, trouble);
    publication_free(p);
}

static void on_removed(const DnsOutcome *outcome, void *userdata)
{
    Publication *p = userdata;

    p->ask = NULL;
    if (outcome->answer)
        forget(p);
    else
        retry_removal(p, outcome->trouble);
}

static void start_removal(Publication *p)
{
    int r;

    /* Somebody else is not done with it: he removes it. */
    if (find_same(p, false)) {
        publication_free(p);
        return;
    }
    p->n_removals++;
    r = update(p, false, on_removed);
    if (r < 0)
        retry_removal(p, strerror(-r));
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

/* It was never sent, or never taken. */
static void strike_out(Publication *p)
{
    if (p->is_written && !find_same(p, false))
        (void)dns_record_remove(p->config->state_directory, p->key);
    p->is_written = false;
}

static void on_added(const DnsOutcome *outcome, void *userdata)
{
    Publication *p = userdata;

    p->ask = NULL;
    /* What all of them refused is not there. */
    if (!outcome->answer && !outcome->is_uncertain)
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

static bool write_down(Publication *p)
{
    const DnsRecord record = record_of(p);
    int r = dns_record_save(p->config->state_directory, &record);

    p->is_written = r >= 0;
    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "The TXT record for %s cannot be noted in '%s': %m", p->name,
                        p->config->state_directory);
    return r >= 0;
}

static void start_adding(Publication *p)
{
    Publication *leaving = find_same(p, true);
    int r = 0;

    if (leaving && leaving->ask) {
        r = schedule(p, TURN_PAUSE);
    } else {
        if (leaving)
            publication_free(leaving);
        if (!write_down(p)) {
            publication_fail_here(p);
            return;
        }
        r = update(p, true, on_added);
    }
    if (r < 0) {
        strike_out(p);
        publication_fail_errno(p, r);
    }
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
    record = record_of(p);
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
                           Publication **ret)
{
    _cleanup_(publication_freep) Publication *p = calloc(1, sizeof(*p));
    char why[TSIG_WHY_SIZE];
    int r;

    if (!p)
        return -ENOMEM;
    p->dns01 = dns01;
    p->config = config_ref(config);
    LIST_INSERT_HEAD(&dns01->publications, p, list);
    r = dns_realm_new(dns01->pool, verification, why, &p->realm);
    if (r < 0) {
        log_event_errno(LOG_EVENT_CHALLENGE_NOT_WRITTEN, r,
                        "The TSIG key of [verification \"%s\"] cannot be used: %s",
                        verification->name, why);
        return r;
    }
    r = sd_event_add_time_relative(dns01->event, &p->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY,
                                   on_timer, p);
    if (r >= 0)
        r = sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

static int publish(const Solvers *solvers, const Challenge *challenge, solver_cb callback,
                   void *userdata, void **ret)
{
    _cleanup_(publication_freep) Publication *p = NULL;
    int r = publication_new(solvers->dns01, challenge->config, challenge->verification, &p);

    if (r < 0)
        return r;
    p->callback = callback;
    p->userdata = userdata;
    p->group = challenge->group;
    p->serial = solvers->dns01->serial++;
    p->name = strdup(challenge->name);
    p->text.value = record_value(challenge->key_authorization);
    if (!p->name || !p->text.value)
        return -ENOMEM;
    r = dns_place_find(p->realm, p->name, on_place, p, &p->place);
    if (r < 0)
        return r;
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

/* Takes the record over. */
static int remove_left(Dns01 *dns01, Config *config, const char *key, DnsRecord *record)
{
    const Verification *verification = config_find_verification(config, record->verification);
    Publication *p = NULL;
    int r;

    if (!verification || verification->type != VERIFICATION_DNS01_DNSUPDATE)
        return log_event_errno(LOG_EVENT_CHALLENGE_NOT_WITHDRAWN, -ENOENT,
                               "The TXT record '%s' at %s for %s stays: there is no [verification "
                               "\"%s\"] of type dns01-dnsUpdate any more",
                               record->value, record->owner, record->name, record->verification);
    r = publication_new(dns01, config, verification, &p);
    if (r < 0)
        return r;
    memcpy(p->key, key, sizeof(p->key));
    p->is_written = p->is_withdrawn = true;
    p->state = STATE_TOLD;
    p->name = TAKE_PTR(record->name);
    p->text = (DnsText){ .zone = TAKE_PTR(record->zone),
                         .owner = TAKE_PTR(record->owner),
                         .value = TAKE_PTR(record->value) };
    start_removal(p);
    return 0;
}

bool dns01_sweep(Dns01 *dns01, Config *config, bool (*is_needed)(const char *name, void *userdata),
                 void *userdata)
{
    const char *state = config->state_directory;
    _cleanup_strv_ char **keys = NULL;
    bool is_done = true;
    int r = dns_record_list(state, &keys);

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
