/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "txt-records/txt-record.h"

#include <sys/queue.h>

#include "dns/ask.h"
#include "event/timer.h"
#include "libacme/transport/polling.h"
#include "log/log.h"
#include "strings/strv.h"

/* Delays double from one second to five minutes: about a quarter of an hour together. */
#define REMOVALS_MAX 10U

typedef struct TxtRecord TxtRecord;

typedef enum ClaimState {
    CLAIM_NEW,
    CLAIM_ASKED, /* it is being added for this claim, too */
    CLAIM_TOLD,
} ClaimState;

struct DnsClaim {
    TxtRecord *txt;
    LIST_ENTRY(DnsClaim) list;
    DnsSettings *settings;
    ClaimState state;
    dns_claim_cb callback;
    void *userdata;
};

/* One record. Its timer starts one operation at a time, so the record is never added and removed at
 * once, whatever the claims do. */
struct TxtRecord {
    TxtRecords *records;
    LIST_ENTRY(TxtRecord) list;
    char key[STORAGE_KEY_SIZE]; /* of its file */
    TxtTarget target;           /* with the settings of the last operation */
    DnsHolders holders;
    LIST_HEAD(, DnsClaim) claims;
    DnsAsk *ask; /* to add it */
    DnsRemoval *removal;
    unsigned n_removals;
    Backoff backoff;
    sd_event_source *timer;
};

struct TxtRecords {
    DnsPool *pool;
    LIST_HEAD(, TxtRecord) list;
    char **needed; /* keys of records on disk that the last sweep found in use */
};

static void claim_free(DnsClaim *claim)
{
    LIST_REMOVE(claim, list);
    dns_settings_unref(claim->settings);
    free(claim);
}

static void txt_record_free(TxtRecord *txt)
{
    DnsClaim *claim;

    LIST_REMOVE(txt, list);
    while ((claim = LIST_FIRST(&txt->claims)))
        claim_free(claim);
    dns_ask_cancel(txt->ask);
    dns_removal_cancel(txt->removal);
    sd_event_source_disable_unref(txt->timer);
    dns_holders_done(&txt->holders);
    dns_settings_unref(txt->target.settings);
    dns_text_done(&txt->target.text);
    free(txt->target.name);
    free(txt);
}

DEFINE_CLEANUP_FUNC(TxtRecord *, txt_record_free)

static void go_on_in(TxtRecord *txt, usec_t delay)
{
    (void)timer_arm(txt->timer, delay);
}

static void forget(TxtRecord *txt)
{
    const char *state = txt->target.settings->config->state_directory;
    int r = dns_record_remove(state, txt->key);

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to remove the file of the TXT record at %s in '%s': %m",
                        txt->target.text.owner, state);
    txt_record_free(txt);
}

/* ---- add --------------------------------------------------------------------------------- */

static DnsClaim *find_claim(const TxtRecord *txt, ClaimState state)
{
    DnsClaim *claim;

    LIST_FOREACH (claim, &txt->claims, list)
        if (claim->state == state)
            return claim;
    return NULL;
}

/* A callback may release any of the claims. */
static void tell_claims(TxtRecord *txt, const char *trouble, int error)
{
    DnsClaim *claim;

    while ((claim = find_claim(txt, CLAIM_ASKED))) {
        claim->state = CLAIM_TOLD;
        claim->callback(trouble, error, claim->userdata);
    }
    go_on_in(txt, 0);
}

static void on_added(const DnsOutcome *outcome, void *userdata)
{
    TxtRecord *txt = userdata;
    int r = dns_servers_add_list(&txt->holders.unsure, outcome->uncertain);

    txt->ask = NULL;
    if (r >= 0 && outcome->server)
        r = dns_holders_note_added(&txt->holders, outcome->server);
    /* If this fails, the file still lists more servers than needed, which is harmless. */
    if (r >= 0 && !dns_holders_is_empty(&txt->holders))
        (void)dns_holders_save(&txt->holders, &txt->target, NULL);
    tell_claims(txt, outcome->answer ? NULL : outcome->trouble, r);
}

static int start_update(TxtRecord *txt)
{
    const DnsSettings *settings = txt->target.settings;
    DnsAskRequest request = { .servers = &settings->servers,
                              .key = settings->key,
                              .use = DNS_USE_GRANTED,
                              .timeout = settings->timeout };
    /* Save before sending that all servers may have it, for a restart after a crash. */
    int r = dns_holders_save(&txt->holders, &txt->target, &settings->servers);

    if (r >= 0)
        r = dns_update_new(&txt->target.text, true, settings->verification->ttl, &request.message);
    return r < 0 ? r : dns_ask_start(settings->pool, &request, on_added, txt, &txt->ask);
}

static void start_adding(TxtRecord *txt, const DnsClaim *newest)
{
    DnsClaim *claim;
    int r;

    dns_settings_unref(txt->target.settings);
    txt->target.settings = dns_settings_ref(newest->settings);
    txt->holders.has_removed = false;
    txt->n_removals = 0;
    txt->backoff = (Backoff){ 0 };
    LIST_FOREACH (claim, &txt->claims, list)
        if (claim->state == CLAIM_NEW)
            claim->state = CLAIM_ASKED;
    r = start_update(txt);
    if (r < 0)
        tell_claims(txt, strerror(-r), r);
}

/* ---- remove ------------------------------------------------------------------------------ */

static void retry_removal(TxtRecord *txt, const char *trouble)
{
    if (txt->n_removals == 1)
        (void)log_full(LOG_WARNING, 0,
                       "Failed to remove the TXT record '%s' at %s for %s, retrying: %s",
                       txt->target.text.value, txt->target.text.owner, txt->target.name, trouble);
    if (txt->n_removals < REMOVALS_MAX) {
        go_on_in(txt, backoff_next(&txt->backoff, 0));
        return;
    }
    log_event(LOG_EVENT_CHALLENGE_NOT_WITHDRAWN, NULL,
              "Failed to remove the TXT record '%s' at %s for %s, retrying in an hour: %s",
              txt->target.text.value, txt->target.text.owner, txt->target.name, trouble);
    txt_record_free(txt);
}

static void on_removed(const DnsRemovalOutcome *outcome, void *userdata)
{
    TxtRecord *txt = userdata;

    txt->removal = NULL;
    dns_holders_note_removed(&txt->holders, outcome);
    if (!LIST_EMPTY(&txt->claims) || dns_holders_is_empty(&txt->holders))
        go_on_in(txt, 0);
    else
        retry_removal(txt, outcome->trouble);
}

static void start_removal(TxtRecord *txt)
{
    _cleanup_(dns_servers_done) DnsServers servers = { 0 };
    int r = dns_holders_list(&txt->holders, &servers);

    txt->n_removals++;
    if (r >= 0)
        r = dns_removal_start(&txt->target, &servers, on_removed, txt, &txt->removal);
    if (r < 0)
        retry_removal(txt, strerror(-r));
}

/* ---- the timer --------------------------------------------------------------------------- */

static int txt_record_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    TxtRecord *txt = userdata;
    const DnsClaim *claim = find_claim(txt, CLAIM_NEW);

    (void)source;
    (void)usec;
    /* An operation in progress starts the timer when it ends. */
    if (txt->ask || txt->removal)
        return 0;
    if (claim)
        start_adding(txt, claim);
    else if (LIST_EMPTY(&txt->claims) && dns_holders_is_empty(&txt->holders))
        forget(txt);
    else if (LIST_EMPTY(&txt->claims))
        start_removal(txt);
    return 0;
}

static int txt_record_new(TxtRecords *records, const TxtTarget *target, const char *key,
                          TxtRecord **ret)
{
    _cleanup_(txt_record_freep) TxtRecord *txt = calloc(1, sizeof(*txt));
    int r;

    if (!txt)
        return -ENOMEM;
    txt->records = records;
    LIST_INSERT_HEAD(&records->list, txt, list);
    LIST_INIT(&txt->claims);
    memcpy(txt->key, key, sizeof(txt->key));
    txt->target.settings = dns_settings_ref(target->settings);
    txt->target.name = strdup(target->name);
    txt->target.text.zone = strdup(target->text.zone);
    txt->target.text.owner = strdup(target->text.owner);
    txt->target.text.value = strdup(target->text.value);
    if (!txt->target.name || !txt->target.text.zone || !txt->target.text.owner ||
        !txt->target.text.value)
        return -ENOMEM;
    r = timer_start(dns_pool_event(records->pool), 0, txt_record_on_timer, txt, &txt->timer);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(txt);
    return 0;
}

static TxtRecord *find_record(const TxtRecords *records, const char *key)
{
    TxtRecord *txt;

    LIST_FOREACH (txt, &records->list, list)
        if (streq(txt->key, key))
            return txt;
    return NULL;
}

/* Finds or creates the record. It takes over the file that an earlier process left for the same
 * value. */
static int get_record(TxtRecords *records, const TxtTarget *target, TxtRecord **ret)
{
    const DnsRecord record = txt_target_record(target);
    _cleanup_(dns_record_done) DnsRecord left = { 0 };
    _cleanup_(txt_record_freep) TxtRecord *txt = NULL;
    char key[STORAGE_KEY_SIZE];
    int r = dns_record_key(&record, key);

    if (r < 0)
        return r;
    *ret = find_record(records, key);
    if (*ret)
        return 0;
    r = txt_record_new(records, target, key, &txt);
    if (r >= 0 && dns_record_load(target->settings->config->state_directory, key, &left) != -ENOENT)
        r = dns_holders_load(&txt->holders, &left, &target->settings->servers);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(txt);
    return 0;
}

int dns_claim_new(TxtRecords *records, const TxtTarget *target, dns_claim_cb callback,
                  void *userdata, DnsClaim **ret)
{
    TxtRecord *txt;
    DnsClaim *claim;
    int r = get_record(records, target, &txt);

    if (r < 0)
        return r;
    claim = calloc(1, sizeof(*claim));
    if (!claim)
        return -ENOMEM; /* the record has no claims: its timer removes it */
    claim->txt = txt;
    claim->settings = dns_settings_ref(target->settings);
    claim->callback = callback;
    claim->userdata = userdata;
    LIST_INSERT_HEAD(&txt->claims, claim, list);
    go_on_in(txt, 0);
    *ret = claim;
    return 0;
}

DnsClaim *dns_claim_release(DnsClaim *claim)
{
    TxtRecord *txt;

    if (!claim)
        return NULL;
    txt = claim->txt;
    claim_free(claim);
    go_on_in(txt, 0);
    return NULL;
}

/* ---- all records ------------------------------------------------------------------------- */

static void say_it_stays(const DnsRecord *record, const char *why)
{
    log_event(LOG_EVENT_CHALLENGE_NOT_WITHDRAWN, NULL,
              "The TXT record '%s' at %s for %s remains in DNS: [verification \"%s\"]: %s",
              record->value, record->owner, record->name, record->verification, why);
}

/* 1: *ret is set; 0: there are no settings to remove the record with, which is logged; -errno. */
static int find_settings(TxtRecords *records, Config *config, const DnsRecord *record,
                         DnsSettings **ret)
{
    const Verification *verification = config_find_verification(config, record->verification);
    _cleanup_free_ char *why = NULL;
    int r;

    if (!verification || verification->type != VERIFICATION_DNS01_DNSUPDATE) {
        say_it_stays(record, "there is no longer a block of this name with type dns01-dnsUpdate");
        return 0;
    }
    r = dns_settings_new(records->pool, config, verification, &why, ret);
    if (r < 0)
        say_it_stays(record, str_or(why, strerror(-r)));
    return r >= 0;
}

/* Takes a record over without a claim, so that it is removed. */
static int remove_left(TxtRecords *records, Config *config, const DnsRecord *record)
{
    TxtTarget target = {
        .name = record->name,
        .text = { .zone = record->zone, .owner = record->owner, .value = record->value },
    };
    TxtRecord *txt;
    int r = find_settings(records, config, record, &target.settings);

    if (r > 0)
        r = get_record(records, &target, &txt);
    dns_settings_unref(target.settings);
    return r;
}

/* Drops records that wait for their next removal with an older configuration. The sweep takes them
 * over again. */
static void drop_outdated(TxtRecords *records, const Config *config)
{
    TxtRecord *txt = LIST_FIRST(&records->list), *next;

    for (; txt; txt = next) {
        next = LIST_NEXT(txt, list);
        if (LIST_EMPTY(&txt->claims) && !txt->ask && !txt->removal && txt->n_removals > 0 &&
            txt->target.settings->config != config)
            txt_record_free(txt);
    }
}

/* 1: the record is in use; 0: it is being removed, or an error was logged. */
static int sweep_one(TxtRecords *records, Config *config, const char *key,
                     bool (*is_needed)(const char *name, void *userdata), void *userdata)
{
    _cleanup_(dns_record_done) DnsRecord record = { 0 };
    int r;

    if (find_record(records, key))
        return 0;
    r = dns_record_load(config->state_directory, key, &record);
    if (r == -ENOENT)
        return 0;
    if (r >= 0 && is_needed(record.name, userdata))
        return 1;
    if (r >= 0)
        r = remove_left(records, config, &record);
    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to process the file of a TXT record, dns/%.16s….json in '%s': %m",
                        key, config->state_directory);
    return 0;
}

bool txt_records_sweep(TxtRecords *records, Config *config,
                       bool (*is_needed)(const char *name, void *userdata), void *userdata,
                       bool again)
{
    _cleanup_strv_ char **keys = NULL;
    int r = 0;

    if (again) {
        keys = TAKE_PTR(records->needed);
    } else {
        drop_outdated(records, config);
        r = dns_record_list(config->state_directory, &keys);
        records->needed = strv_free(records->needed);
    }
    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to read dns/ in '%s', so earlier TXT records remain in DNS: %m",
                        config->state_directory);
    STRV_FOREACH (key, keys)
        if (sweep_one(records, config, *key, is_needed, userdata) > 0)
            (void)strv_extend(&records->needed, *key);
    return !records->needed;
}

DnsPool *txt_records_pool(TxtRecords *records)
{
    return records->pool;
}

int txt_records_new(sd_event *event, TxtRecords **ret)
{
    _cleanup_(txt_records_freep) TxtRecords *records = calloc(1, sizeof(*records));
    int r;

    if (!records)
        return -ENOMEM;
    LIST_INIT(&records->list);
    r = dns_pool_new(event, &records->pool);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(records);
    return 0;
}

TxtRecords *txt_records_free(TxtRecords *records)
{
    TxtRecord *txt;

    if (!records)
        return NULL;
    while ((txt = LIST_FIRST(&records->list)))
        txt_record_free(txt);
    dns_pool_free(records->pool);
    strv_free(records->needed);
    free(records);
    return NULL;
}
