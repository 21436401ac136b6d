/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/txt-record.h"

#include <sys/queue.h>

#include "dns/ask.h"
#include "dns/removal.h"
#include "libacme/transport/polling.h"
#include "log/log.h"
#include "statedir/dns-record.h"
#include "strings/strv.h"

/* Pauses double from a second to five minutes: a quarter of an hour. */
#define REMOVALS_MAX 10U

typedef struct Presence Presence;

typedef enum ClaimState {
    CLAIM_NEW,
    CLAIM_ASKED, /* it is being put there for this one, too */
    CLAIM_TOLD,
} ClaimState;

struct DnsClaim {
    Presence *presence;
    LIST_ENTRY(DnsClaim) list;
    DnsSettings *settings;
    ClaimState state;
    dns_claim_cb callback;
    void *userdata;
};

/* One record. Only one thing is done with it at a time, from its timer: so whatever is removed is
 * not being added, whoever claims it or does not. */
struct Presence {
    TxtRecords *all;
    LIST_ENTRY(Presence) list;
    char key[STORAGE_KEY_SIZE]; /* of the file */
    DnsSettings *settings;      /* by which it was last worked on */
    char *name;
    DnsText text;
    DnsServers sure;   /* they have it */
    DnsServers unsure; /* they may have it */
    LIST_HEAD(, DnsClaim) claims;
    DnsAsk *ask; /* to add it */
    DnsRemoval *removal;
    bool is_granted; /* by one of them */
    unsigned n_removals;
    Backoff backoff;
    sd_event_source *timer;
};

struct TxtRecords {
    DnsPool *pool;
    LIST_HEAD(, Presence) list;
    char **needed; /* keys of those on disk that were, when it was looked at last */
};

static void claim_free(DnsClaim *claim)
{
    LIST_REMOVE(claim, list);
    dns_settings_unref(claim->settings);
    free(claim);
}

static void presence_free(Presence *p)
{
    DnsClaim *claim;

    LIST_REMOVE(p, list);
    while ((claim = LIST_FIRST(&p->claims)))
        claim_free(claim);
    dns_ask_cancel(p->ask);
    dns_removal_cancel(p->removal);
    sd_event_source_disable_unref(p->timer);
    dns_servers_done(&p->sure);
    dns_servers_done(&p->unsure);
    dns_settings_unref(p->settings);
    dns_text_done(&p->text);
    free(p->name);
    free(p);
}

DEFINE_CLEANUP_FUNC(Presence *, presence_free)

static void go_on_in(Presence *p, usec_t delay)
{
    (void)sd_event_source_set_time_relative(p->timer, delay);
    (void)sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

/* ---- on disk ----------------------------------------------------------------------------- */

static DnsRecord record_of(const DnsSettings *settings, const char *name, const DnsText *text)
{
    return (DnsRecord){
        .verification = settings->verification->name,
        .name = (char *)name,
        .zone = text->zone,
        .owner = text->owner,
        .value = text->value,
        .created = time(NULL),
    };
}

static int write_down(const Presence *p, const DnsServers *unsure)
{
    _cleanup_free_ char *servers = dns_servers_format(&p->sure),
                        *others = dns_servers_format(unsure);
    DnsRecord record = record_of(p->settings, p->name, &p->text);
    int r = -ENOMEM;

    record.servers = servers;
    record.unsure = others;
    if (servers && others)
        r = dns_record_save(p->settings->config->state_directory, &record);
    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "The TXT record for %s cannot be noted in '%s': %m", p->name,
                        p->settings->config->state_directory);
    return r;
}

/* All of the block's servers may have what nobody has noted a server of. */
static int take_holders(Presence *p, const DnsRecord *record)
{
    int r = dns_servers_add_names(&p->sure, str_or(record->servers, ""));

    if (r >= 0)
        r = dns_servers_add_names(&p->unsure, str_or(record->unsure, ""));
    if (r >= 0 && p->sure.n == 0 && p->unsure.n == 0)
        r = dns_servers_add_list(&p->unsure, &p->settings->servers);
    return r;
}

static void forget(Presence *p)
{
    const char *state = p->settings->config->state_directory;
    int r = dns_record_remove(state, p->key);

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "The file of the TXT record at %s in '%s' stays: %m", p->text.owner, state);
    presence_free(p);
}

/* ---- there ------------------------------------------------------------------------------- */

static DnsClaim *find_claim(const Presence *p, ClaimState state)
{
    DnsClaim *claim;

    LIST_FOREACH (claim, &p->claims, list)
        if (claim->state == state)
            return claim;
    return NULL;
}

/* Whoever is told may release any of the claims. */
static void tell(Presence *p, const char *trouble, int error)
{
    DnsClaim *claim;

    while ((claim = find_claim(p, CLAIM_ASKED))) {
        claim->state = CLAIM_TOLD;
        claim->callback(trouble, error, claim->userdata);
    }
    go_on_in(p, 0);
}

static int note_taken(Presence *p, const DnsServer *server)
{
    dns_servers_remove(&p->unsure, server);
    return dns_servers_add(&p->sure, server);
}

static void on_added(const DnsOutcome *outcome, void *userdata)
{
    Presence *p = userdata;
    int r = dns_servers_add_list(&p->unsure, outcome->uncertain);

    p->ask = NULL;
    if (r >= 0 && outcome->server)
        r = note_taken(p, outcome->server);
    /* What it says from before is more, and no harm. */
    if (r >= 0 && (p->sure.n > 0 || p->unsure.n > 0))
        (void)write_down(p, &p->unsure);
    tell(p, outcome->answer ? NULL : outcome->trouble, r);
}

/* Before it is sent, all may have it for those who come after a crash. */
static int enter(const Presence *p)
{
    _cleanup_(dns_servers_done) DnsServers unsure = { 0 };
    int r = dns_servers_add_list(&unsure, &p->unsure);

    if (r >= 0)
        r = dns_servers_add_list(&unsure, &p->settings->servers);
    return r < 0 ? r : write_down(p, &unsure);
}

static int add(Presence *p)
{
    const DnsSettings *settings = p->settings;
    DnsAskRequest request = { .servers = &settings->servers,
                              .key = settings->key,
                              .use = DNS_USE_GRANTED,
                              .timeout = settings->timeout };
    int r = enter(p);

    if (r >= 0)
        r = dns_update_new(&p->text, true, settings->verification->ttl, &request.message);
    return r < 0 ? r : dns_ask_start(settings->pool, &request, on_added, p, &p->ask);
}

static void start_adding(Presence *p, const DnsClaim *newest)
{
    DnsClaim *claim;
    int r;

    dns_settings_unref(p->settings);
    p->settings = dns_settings_ref(newest->settings);
    p->is_granted = false;
    p->n_removals = 0;
    p->backoff = (Backoff){ 0 };
    LIST_FOREACH (claim, &p->claims, list)
        if (claim->state == CLAIM_NEW)
            claim->state = CLAIM_ASKED;
    r = add(p);
    if (r < 0)
        tell(p, strerror(-r), r);
}

/* ---- away -------------------------------------------------------------------------------- */

static void retry_removal(Presence *p, const char *trouble)
{
    if (p->n_removals == 1)
        (void)log_full(LOG_WARNING, 0, "The TXT record '%s' at %s for %s is not removed yet: %s",
                       p->text.value, p->text.owner, p->name, trouble);
    if (p->n_removals < REMOVALS_MAX) {
        go_on_in(p, backoff_next(&p->backoff, 0));
        return;
    }
    log_event(LOG_EVENT_CHALLENGE_NOT_WITHDRAWN, NULL,
              "The TXT record '%s' at %s for %s is not removed, and tried again in an hour: %s",
              p->text.value, p->text.owner, p->name, trouble);
    presence_free(p);
}

static void on_removed(const DnsRemovalOutcome *outcome, void *userdata)
{
    Presence *p = userdata;

    p->removal = NULL;
    for (size_t i = 0; i < outcome->granted->n; i++) {
        dns_servers_remove(&p->sure, &outcome->granted->list[i]);
        dns_servers_remove(&p->unsure, &outcome->granted->list[i]);
    }
    /* Who may have it and refuses to remove it has refused to add it, where another one did. */
    p->is_granted |= outcome->granted->n > 0;
    for (size_t i = 0; p->is_granted && i < outcome->refused->n; i++)
        dns_servers_remove(&p->unsure, &outcome->refused->list[i]);
    if (!LIST_EMPTY(&p->claims) || (p->sure.n == 0 && p->unsure.n == 0))
        go_on_in(p, 0);
    else
        retry_removal(p, outcome->trouble);
}

static void start_removal(Presence *p)
{
    _cleanup_(dns_servers_done) DnsServers holders = { 0 };
    int r = dns_servers_add_list(&holders, &p->sure);

    p->n_removals++;
    if (r >= 0)
        r = dns_servers_add_list(&holders, &p->unsure);
    if (r >= 0)
        r = dns_removal_start(p->settings, &p->text, &holders, on_removed, p, &p->removal);
    if (r < 0)
        retry_removal(p, strerror(-r));
}

/* ---- both -------------------------------------------------------------------------------- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Presence *p = userdata;
    const DnsClaim *claim = find_claim(p, CLAIM_NEW);

    (void)source;
    (void)usec;
    /* What is under way comes back here when it has ended. */
    if (p->ask || p->removal)
        return 0;
    if (claim)
        start_adding(p, claim);
    else if (LIST_EMPTY(&p->claims) && p->sure.n == 0 && p->unsure.n == 0)
        forget(p);
    else if (LIST_EMPTY(&p->claims))
        start_removal(p);
    return 0;
}

static int presence_new(TxtRecords *all, DnsSettings *settings, const char *key, const char *name,
                        const DnsText *text, Presence **ret)
{
    _cleanup_(presence_freep) Presence *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    p->all = all;
    LIST_INSERT_HEAD(&all->list, p, list);
    LIST_INIT(&p->claims);
    memcpy(p->key, key, sizeof(p->key));
    p->settings = dns_settings_ref(settings);
    p->name = strdup(name);
    p->text.zone = strdup(text->zone);
    p->text.owner = strdup(text->owner);
    p->text.value = strdup(text->value);
    if (!p->name || !p->text.zone || !p->text.owner || !p->text.value)
        return -ENOMEM;
    r = sd_event_add_time_relative(dns_pool_event(all->pool), &p->timer, CLOCK_MONOTONIC, 0,
                                   TIMER_ACCURACY, on_timer, p);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

static Presence *find_presence(const TxtRecords *all, const char *key)
{
    Presence *p;

    LIST_FOREACH (p, &all->list, list)
        if (streq(p->key, key))
            return p;
    return NULL;
}

/* What a former life has left of the same value is taken over. */
static int get_presence(TxtRecords *all, DnsSettings *settings, const char *name,
                        const DnsText *text, Presence **ret)
{
    const DnsRecord record = record_of(settings, name, text);
    _cleanup_(dns_record_done) DnsRecord left = { 0 };
    _cleanup_(presence_freep) Presence *p = NULL;
    char key[STORAGE_KEY_SIZE];
    int r = dns_record_key(&record, key);

    if (r < 0)
        return r;
    *ret = find_presence(all, key);
    if (*ret)
        return 0;
    r = presence_new(all, settings, key, name, text, &p);
    if (r >= 0 && dns_record_load(settings->config->state_directory, key, &left) != -ENOENT)
        r = take_holders(p, &left);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

int dns_claim_new(TxtRecords *all, DnsSettings *settings, const char *name, const DnsText *text,
                  dns_claim_cb callback, void *userdata, DnsClaim **ret)
{
    Presence *presence;
    DnsClaim *claim;
    int r = get_presence(all, settings, name, text, &presence);

    if (r < 0)
        return r;
    claim = calloc(1, sizeof(*claim));
    if (!claim)
        return -ENOMEM; /* the presence without claims goes, from its timer */
    claim->presence = presence;
    claim->settings = dns_settings_ref(settings);
    claim->callback = callback;
    claim->userdata = userdata;
    LIST_INSERT_HEAD(&presence->claims, claim, list);
    go_on_in(presence, 0);
    *ret = claim;
    return 0;
}

DnsClaim *dns_claim_release(DnsClaim *claim)
{
    Presence *presence;

    if (!claim)
        return NULL;
    presence = claim->presence;
    claim_free(claim);
    go_on_in(presence, 0);
    return NULL;
}

/* ---- all of them ------------------------------------------------------------------------- */

static void say_it_stays(const DnsRecord *record, const char *why)
{
    log_event(LOG_EVENT_CHALLENGE_NOT_WITHDRAWN, NULL,
              "The TXT record '%s' at %s for %s stays: [verification \"%s\"]: %s", record->value,
              record->owner, record->name, record->verification, why);
}

/* 1: there is one by which to remove it; 0: there is none, which is logged; -errno. */
static int find_settings(TxtRecords *all, Config *config, const DnsRecord *record,
                         DnsSettings **ret)
{
    const Verification *verification = config_find_verification(config, record->verification);
    _cleanup_free_ char *why = NULL;
    int r;

    if (!verification || verification->type != VERIFICATION_DNS01_DNSUPDATE) {
        say_it_stays(record, "there is no such block of type dns01-dnsUpdate any more");
        return 0;
    }
    r = dns_settings_new(all->pool, config, verification, &why, ret);
    if (r < 0)
        say_it_stays(record, str_or(why, strerror(-r)));
    return r >= 0;
}

/* Takes it over, with nobody who claims it. */
static int remove_left(TxtRecords *all, Config *config, const DnsRecord *record)
{
    const DnsText text = { .zone = record->zone, .owner = record->owner, .value = record->value };
    _cleanup_(dns_settings_unrefp) DnsSettings *settings = NULL;
    Presence *presence;
    int r = find_settings(all, config, record, &settings);

    return r <= 0 ? r : get_presence(all, settings, record->name, &text, &presence);
}

/* What waits for its next removal by an older configuration: it is taken over anew. */
static void drop_outdated(TxtRecords *all, const Config *config)
{
    Presence *p = LIST_FIRST(&all->list), *next;

    for (; p; p = next) {
        next = LIST_NEXT(p, list);
        if (LIST_EMPTY(&p->claims) && !p->ask && !p->removal && p->n_removals > 0 &&
            p->settings->config != config)
            presence_free(p);
    }
}

/* 1: it is needed; 0: it is seen to. */
static int look_at(TxtRecords *all, Config *config, const char *key,
                   bool (*is_needed)(const char *name, void *userdata), void *userdata)
{
    _cleanup_(dns_record_done) DnsRecord record = { 0 };
    int r;

    if (find_presence(all, key))
        return 0;
    r = dns_record_load(config->state_directory, key, &record);
    if (r == -ENOENT)
        return 0;
    if (r >= 0 && is_needed(record.name, userdata))
        return 1;
    if (r >= 0)
        r = remove_left(all, config, &record);
    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "The file of a TXT record, dns/%.16s….json in '%s', stays: %m", key,
                        config->state_directory);
    return 0;
}

bool txt_records_sweep(TxtRecords *all, Config *config,
                       bool (*is_needed)(const char *name, void *userdata), void *userdata,
                       bool again)
{
    _cleanup_strv_ char **keys = NULL;
    int r = 0;

    if (again) {
        keys = TAKE_PTR(all->needed);
    } else {
        drop_outdated(all, config);
        r = dns_record_list(config->state_directory, &keys);
        all->needed = strv_free(all->needed);
    }
    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "TXT records of before stay, dns/ in '%s' cannot be read: %m",
                        config->state_directory);
    STRV_FOREACH (key, keys)
        if (look_at(all, config, *key, is_needed, userdata) > 0)
            (void)strv_extend(&all->needed, *key);
    return !all->needed;
}

DnsPool *txt_records_pool(TxtRecords *all)
{
    return all->pool;
}

int txt_records_new(sd_event *event, TxtRecords **ret)
{
    _cleanup_(txt_records_freep) TxtRecords *all = calloc(1, sizeof(*all));
    int r;

    if (!all)
        return -ENOMEM;
    LIST_INIT(&all->list);
    r = dns_pool_new(event, &all->pool);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(all);
    return 0;
}

TxtRecords *txt_records_free(TxtRecords *all)
{
    Presence *p;

    if (!all)
        return NULL;
    while ((p = LIST_FIRST(&all->list)))
        presence_free(p);
    dns_pool_free(all->pool);
    strv_free(all->needed);
    free(all);
    return NULL;
}
