/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewals/renewals.h"

#include <sys/queue.h>

#include "event/timer.h"
#include "libacme/renewal-info.h"
#include "libacme/transport/polling.h"
#include "log/log.h"
#include "renewals/prefetch.h"
#include "renewals/renewal-query.h"
#include "statedir/storage/scan.h"

/* Queries for certificates without a known window, as after an upgrade, are spread over this time,
 * s.
 */
#define SPREAD_FIRST 3600
/* No answer stays valid for longer, s. */
#define ASK_MAX (24 * 3600)
/* Pause after a renewal was begun, s: doubled each time, up to a day. Successful ones pause as
 * well: a CA may name a window in the past for every new certificate. */
#define RETRY_FIRST 3600U
#define RETRY_MAX   (24U * 3600U)
/* Time between two looks at the inventory, µs: many changes cause one look, and the clock may be
 * set. */
#define LOOK_SOON    (1 * USEC_PER_SEC)
#define LOOK_MAX     (600 * USEC_PER_SEC)
#define LOG_INTERVAL (600 * USEC_PER_SEC)

typedef enum JobKind { JOB_QUERY, JOB_PREFETCH, JOB_MAX } JobKind;

/* What is in progress for one certificate. */
typedef struct Job {
    Renewals *renewals;
    LIST_ENTRY(Job) list;
    JobKind kind;
    InventoryRef ref;
    bool is_replaced; /* the entry has another certificate, which is not due yet */
    RenewalQuery *query;
    Prefetch *prefetch;
    Failure refusal; /* why there was no room for its order; .status 0: there was */
} Job;

struct Renewals {
    ConfigFile *config_file;
    Inventory *inventory;
    Orders *orders;
    sd_event_source *timer;
    time_t began;
    usec_t quiet_until;
    LIST_HEAD(, Job) jobs;
    unsigned n_jobs[JOB_MAX];
};

static void job_free(Job *job)
{
    LIST_REMOVE(job, list);
    job->renewals->n_jobs[job->kind]--;
    renewal_query_free(job->query);
    prefetch_free(job->prefetch);
    failure_done(&job->refusal);
    config_unref(job->ref.config);
    free(job);
}

static InventoryEntry *job_entry(const Job *job)
{
    return inventory_find(job->renewals->inventory, job->ref.storage, job->ref.key);
}

static void job_note(const Job *job, const Renewal *renewal)
{
    inventory_note(job->renewals->inventory, job->ref.storage, job->ref.key, renewal);
}

static void on_answer(const Renewal *renewal, void *userdata)
{
    Job *job = userdata;

    job->query = NULL;
    if (renewal)
        job_note(job, renewal);
    job_free(job);
}

static void entry_pause(InventoryEntry *entry, time_t until)
{
    if (entry && until > entry->paused_until)
        entry->paused_until = until;
}

static time_t in_about(unsigned seconds)
{
    return time(NULL) + backoff_spread_seconds(seconds);
}

/* Pauses for longer each time; after a long time without a renewal from the beginning. */
static void entry_pause_after_try(InventoryEntry *entry)
{
    unsigned delay = RETRY_FIRST;

    if (!entry)
        return;
    if (time(NULL) > entry->paused_until + (time_t)RETRY_MAX)
        entry->tries = 0;
    for (unsigned i = 0; i < entry->tries && delay < RETRY_MAX; i++)
        delay *= 2;
    entry->tries++;
    entry_pause(entry, in_about(delay < RETRY_MAX ? delay : RETRY_MAX));
}

static void on_prefetched(const Failure *failure, void *userdata)
{
    Job *job = userdata;

    job->prefetch = NULL;
    if (failure)
        entry_pause(job_entry(job),
                    in_about(failure->retry_after < RETRY_MAX ? failure->retry_after : RETRY_MAX));
    /* After a success the inventory knows the new certificate already. */
    job_free(job);
}

static time_t first_query(const Renewals *renewals, const char *key)
{
    return renewals->began + storage_key_dice(key) % SPREAD_FIRST;
}

/* Each returns the time to start, 0: never. */

static time_t query_time(const Renewals *renewals, const InventoryEntry *entry)
{
    const Renewal *renewal = &entry->renewal;
    time_t now = time(NULL);

    if (renewal->not_after <= now)
        return 0;
    /* A time that was written while the clock was ahead counts as little as an unknown one. */
    return renewal->ask_at > 0 && renewal->ask_at <= now + ASK_MAX
               ? renewal->ask_at
               : first_query(renewals, entry->key);
}

static time_t prefetch_time(const Renewals *renewals, const InventoryEntry *entry)
{
    const Renewal *renewal = &entry->renewal;

    (void)renewals;
    if (time(NULL) >= renewal->forget_at)
        return 0;
    return entry->paused_until > renewal->at ? entry->paused_until : renewal->at;
}

/* Each starts the job. 1; 0: there is nothing to do; -errno. */

static int start_query(Job *job)
{
    return renewal_query_start(orders_accounts(job->renewals->orders), &job->ref, on_answer, job,
                               &job->query);
}

static int start_prefetch(Job *job)
{
    InventoryEntry current = { 0 };
    time_t at;
    int r = storage_renewal(job->ref.storage, job->ref.key, &current.renewal);

    if (r <= 0)
        return 0;
    at = prefetch_time(job->renewals, &current);
    if (at == 0 || at > time(NULL)) {
        job_note(job, &current.renewal);
        job->is_replaced = true;
        return 0;
    }
    r = prefetch_start(job->renewals->orders, &job->ref, on_prefetched, job, &job->prefetch,
                       &job->refusal);
    if (r > 0)
        entry_pause_after_try(job_entry(job));
    return r;
}

static void query_later(const Job *job, time_t at)
{
    const InventoryEntry *entry = job_entry(job);
    Renewal renewal;

    if (!entry)
        return;
    renewal = entry->renewal;
    renewal.ask_at = at;
    job_note(job, &renewal);
}

/* Each notes that there was nothing to do. */

static void no_query(Job *job)
{
    Renewal renewal;

    if (storage_renewal(job->ref.storage, job->ref.key, &renewal) > 0)
        job_note(job, &renewal);
    query_later(job, time(NULL) + RENEWAL_INFO_MAX);
}

static void no_prefetch(Job *job)
{
    if (!job->is_replaced)
        entry_pause(job_entry(job), in_about(RETRY_MAX));
}

/* Each notes that this machine could not start the job, which its administrator may fix soon. */

static void put_off_query(Job *job)
{
    query_later(job, in_about(RETRY_FIRST));
}

static void put_off_prefetch(Job *job)
{
    entry_pause(job_entry(job), in_about(RETRY_FIRST));
}

static const struct {
    unsigned max; /* jobs at a time: no client waits for them */
    time_t (*time)(const Renewals *renewals, const InventoryEntry *entry);
    int (*start)(Job *job);
    void (*none)(Job *job);
    void (*put_off)(Job *job);
    const char *verb;
} kinds[JOB_MAX] = {
    [JOB_QUERY] = { 4, query_time, start_query, no_query, put_off_query, "ask the CA about" },
    [JOB_PREFETCH] = { 16, prefetch_time, start_prefetch, no_prefetch, put_off_prefetch, "renew" },
};

static bool is_in_progress(const Renewals *renewals, JobKind kind, const char *key)
{
    const Job *job;

    LIST_FOREACH (job, &renewals->jobs, list)
        if (job->kind == kind && streq(job->ref.key, key))
            return true;
    return false;
}

static void job_add(Renewals *renewals, JobKind kind, const InventoryEntry *entry)
{
    Config *config = inventory_config(renewals->inventory);
    Job *job = calloc(1, sizeof(*job));

    if (!job)
        return;
    job->renewals = renewals;
    job->kind = kind;
    job->ref.config = config_ref(config);
    job->ref.storage = config->storages[entry->storage];
    memcpy(job->ref.key, entry->key, STORAGE_KEY_SIZE);
    LIST_INSERT_HEAD(&renewals->jobs, job, list);
    renewals->n_jobs[kind]++;
}

/* One look at all certificates. */
typedef struct Look {
    Renewals *renewals;
    time_t now, next;
} Look;

static void look_at_entry(const InventoryEntry *entry, void *userdata)
{
    Look *look = userdata;
    Renewals *renewals = look->renewals;

    for (JobKind kind = 0; kind < JOB_MAX; kind++) {
        time_t at = kinds[kind].time(renewals, entry);

        if (at == 0 || is_in_progress(renewals, kind, entry->key))
            continue;
        if (at <= look->now && renewals->n_jobs[kind] < kinds[kind].max)
            job_add(renewals, kind, entry);
        else if (at < look->next)
            look->next = at;
    }
}

/* If a whole storage is unreadable, one entry in the journal stands for all. */
static void log_put_off(Renewals *renewals, const Job *job, int error)
{
    usec_t now = now_monotonic();

    if (now < renewals->quiet_until)
        return;
    renewals->quiet_until = now + LOG_INTERVAL;
    log_warning_errno(
        error,
        "Failed to %s the certificate of entry %s of storage \"%s\", and possibly others: %s",
        kinds[job->kind].verb, job->ref.key, job->ref.storage->name,
        str_or(job->refusal.reason, strerror(-error)));
}

/* Runs after the look at the inventory, which a starting job may change. */
static void start_jobs(Renewals *renewals)
{
    Job *job = LIST_FIRST(&renewals->jobs);

    while (job) {
        Job *next = LIST_NEXT(job, list);

        if (!job->query && !job->prefetch) {
            int r = kinds[job->kind].start(job);

            if (r < 0) {
                log_put_off(renewals, job, r);
                kinds[job->kind].put_off(job);
            } else if (r == 0)
                kinds[job->kind].none(job);
            if (r <= 0)
                job_free(job);
        }
        job = next;
    }
}

static int renewals_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Renewals *renewals = userdata;
    time_t now = time(NULL);
    Look look = { .renewals = renewals, .now = now, .next = now + LOOK_MAX / USEC_PER_SEC };

    (void)source;
    (void)usec;
    /* The clock was ahead at the start. */
    if (renewals->began > now)
        renewals->began = now;
    (void)inventory_use(renewals->inventory, config_file_get(renewals->config_file));
    inventory_foreach(renewals->inventory, look_at_entry, &look);
    (void)timer_arm(renewals->timer,
                    look.next > now ? (usec_t)(look.next - now) * USEC_PER_SEC : LOOK_SOON);
    start_jobs(renewals);
    return 0;
}

void renewals_wake(Renewals *renewals)
{
    uint64_t at;

    if (sd_event_source_get_time(renewals->timer, &at) >= 0 && at > now_monotonic() + LOOK_SOON)
        (void)timer_arm(renewals->timer, LOOK_SOON);
}

int renewals_new(sd_event *event, ConfigFile *config_file, Inventory *inventory, Orders *orders,
                 Renewals **ret)
{
    _cleanup_(renewals_freep) Renewals *renewals = calloc(1, sizeof(*renewals));
    int r;

    if (!renewals)
        return -ENOMEM;
    renewals->config_file = config_file;
    renewals->inventory = inventory;
    renewals->orders = orders;
    renewals->began = time(NULL);
    LIST_INIT(&renewals->jobs);
    r = timer_start(event, LOOK_SOON, renewals_on_timer, renewals, &renewals->timer);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(renewals);
    return 0;
}

Renewals *renewals_free(Renewals *renewals)
{
    if (!renewals)
        return NULL;
    while (!LIST_EMPTY(&renewals->jobs))
        job_free(LIST_FIRST(&renewals->jobs));
    sd_event_source_disable_unref(renewals->timer);
    free(renewals);
    return NULL;
}
