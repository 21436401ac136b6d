/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewals/renewals.h"

#include <sys/queue.h>

#include "libacme/renewal-info.h"
#include "libacme/transport/polling.h"
#include "libacme/transport/timer.h"
#include "log/log.h"
#include "renewals/prefetch.h"
#include "renewals/renewal-query.h"
#include "statedir/storage/scan.h"

/* What nobody knows yet, as after an upgrade, is asked within this time, s. */
#define SPREAD_FIRST 3600
/* No answer is good for longer, s. */
#define ASK_MAX (24 * 3600)
/* What was begun to be renewed is not again before this time, s: doubled each time, up to a day.
 * Nor is what could be: a CA may want every certificate to be renewed at once. */
#define RETRY_FIRST 3600U
#define RETRY_MAX   (24U * 3600U)
/* Between two looks at the inventory, µs: many changes at once are one, and a clock may be put. */
#define LOOK_SOON    (1 * USEC_PER_SEC)
#define LOOK_MAX     (600 * USEC_PER_SEC)
#define LOG_INTERVAL (600 * USEC_PER_SEC)

typedef enum JobKind { JOB_QUESTION, JOB_PREFETCH, JOB_MAX } JobKind;

/* What is done for one certificate. */
typedef struct Job {
    Renewals *renewals;
    LIST_ENTRY(Job) list;
    JobKind kind;
    Config *config;
    const Storage *storage; /* of it */
    char key[STORAGE_KEY_SIZE];
    Renewal renewal; /* as known before */
    Renewal current; /* as the entry has it now … */
    bool is_other; /* … where it has another certificate by now, that is not to be renewed yet */
    RenewalQuery *query;
    Prefetch *prefetch;
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
    config_unref(job->config);
    free(job);
}

static void job_end(Job *job, const Renewal *renewal)
{
    inventory_note(job->renewals->inventory, job->storage, job->key, renewal);
    job_free(job);
}

static void on_answer(const Renewal *renewal, void *userdata)
{
    Job *job = userdata;

    job->query = NULL;
    if (renewal)
        job_end(job, renewal);
    else
        job_free(job);
}

static void rest_until(Job *job, time_t until)
{
    Renewal *renewal = &job->renewal;

    if (until > renewal->rest_until)
        renewal->rest_until = until;
    inventory_set_rest(job->renewals->inventory, job->storage, job->key, renewal->tries,
                       renewal->rest_until);
}

static time_t in_about(unsigned seconds)
{
    return time(NULL) + backoff_spread_seconds(seconds);
}

/* Longer each time; after a long rest from the beginning. */
static void rest_after_try(Job *job)
{
    Renewal *renewal = &job->renewal;
    unsigned delay = RETRY_FIRST;

    if (time(NULL) > renewal->rest_until + (time_t)RETRY_MAX)
        renewal->tries = 0;
    for (unsigned i = 0; i < renewal->tries && delay < RETRY_MAX; i++)
        delay *= 2;
    renewal->tries++;
    rest_until(job, in_about(delay < RETRY_MAX ? delay : RETRY_MAX));
}

static void on_prefetched(const Failure *failure, void *userdata)
{
    Job *job = userdata;

    job->prefetch = NULL;
    if (failure)
        rest_until(job,
                   in_about(failure->retry_after < RETRY_MAX ? failure->retry_after : RETRY_MAX));
    /* Of a success the order has noted what is there now. */
    job_free(job);
}

static time_t first_question(const Renewals *renewals, const char *key)
{
    return renewals->began + storage_key_dice(key) % SPREAD_FIRST;
}

/* Each: when it is time, 0: never. */

static time_t question_time(const Renewals *renewals, const char *key, const Renewal *renewal)
{
    time_t now = time(NULL);

    if (renewal->not_after <= now)
        return 0;
    /* What was written down while the clock was ahead counts as little as what is not known. */
    return renewal->ask_at > 0 && renewal->ask_at <= now + ASK_MAX ? renewal->ask_at
                                                                   : first_question(renewals, key);
}

static time_t prefetch_time(const Renewals *renewals, const char *key, const Renewal *renewal)
{
    (void)renewals;
    (void)key;
    if (time(NULL) >= renewal->forget_at)
        return 0;
    return renewal->rest_until > renewal->at ? renewal->rest_until : renewal->at;
}

/* Each: 1; 0: there is nothing to do; -errno. */

static int start_question(Job *job)
{
    return renewal_query_start(orders_accounts(job->renewals->orders), job->config, job->storage,
                               job->key, on_answer, job, &job->query);
}

static int start_prefetch(Job *job)
{
    Renewal *current = &job->current;
    time_t at;
    int r = storage_renewal(job->storage, job->key, current);

    if (r <= 0)
        return 0;
    at = prefetch_time(job->renewals, job->key, current);
    if (at == 0 || at > time(NULL)) {
        job->is_other = true;
        return 0;
    }
    r = prefetch_start(job->renewals->orders, job->config, job->storage, job->key, on_prefetched,
                       job, &job->prefetch);
    if (r > 0)
        rest_after_try(job);
    return r;
}

/* Each ends the job. */

static void no_question(Job *job)
{
    (void)storage_renewal(job->storage, job->key, &job->renewal);
    job->renewal.ask_at = time(NULL) + RENEWAL_INFO_MAX;
    job_end(job, &job->renewal);
}

static void no_prefetch(Job *job)
{
    if (job->is_other) {
        job_end(job, &job->current);
        return;
    }
    rest_until(job, in_about(RETRY_MAX));
    job_free(job);
}

/* This machine could not: it may be mended soon. */

static void put_off_question(Job *job)
{
    job->renewal.ask_at = in_about(RETRY_FIRST);
    job_end(job, &job->renewal);
}

static void put_off_prefetch(Job *job)
{
    rest_until(job, in_about(RETRY_FIRST));
    job_free(job);
}

static const struct {
    unsigned max; /* so many at once of what nobody waits for */
    time_t (*time)(const Renewals *renewals, const char *key, const Renewal *renewal);
    int (*start)(Job *job);
    void (*none)(Job *job); /* there is nothing to do: look again later */
    void (*put_off)(Job *job);
    const char *verb;
} kinds[JOB_MAX] = {
    [JOB_QUESTION] = { 4, question_time, start_question, no_question, put_off_question,
                       "asked about" },
    [JOB_PREFETCH] = { 16, prefetch_time, start_prefetch, no_prefetch, put_off_prefetch,
                       "renewed" },
};

static bool is_at_work(const Renewals *renewals, JobKind kind, const char *key)
{
    const Job *job;

    LIST_FOREACH (job, &renewals->jobs, list)
        if (job->kind == kind && streq(job->key, key))
            return true;
    return false;
}

static void job_add(Renewals *renewals, Config *config, JobKind kind, const Storage *storage,
                    const char *key, const Renewal *renewal)
{
    Job *job = calloc(1, sizeof(*job));

    if (!job)
        return;
    job->renewals = renewals;
    job->kind = kind;
    job->config = config_ref(config);
    job->storage = storage;
    memcpy(job->key, key, STORAGE_KEY_SIZE);
    job->renewal = *renewal;
    LIST_INSERT_HEAD(&renewals->jobs, job, list);
    renewals->n_jobs[kind]++;
}

/* A look at all certificates. */
typedef struct Look {
    Renewals *renewals;
    Config *config;
    time_t now, next;
} Look;

static void look_at(const Storage *storage, const char *key, const Renewal *renewal, void *userdata)
{
    Look *look = userdata;
    Renewals *renewals = look->renewals;

    for (JobKind kind = 0; kind < JOB_MAX; kind++) {
        time_t at = kinds[kind].time(renewals, key, renewal);

        if (at == 0 || is_at_work(renewals, kind, key))
            continue;
        if (at <= look->now && renewals->n_jobs[kind] < kinds[kind].max)
            job_add(renewals, look->config, kind, storage, key, renewal);
        else if (at < look->next)
            look->next = at;
    }
}

/* Where a whole storage cannot be read one entry tells for all. */
static void log_put_off(Renewals *renewals, const Job *job, int error)
{
    usec_t now = now_monotonic();

    if (now < renewals->quiet_until)
        return;
    renewals->quiet_until = now + LOG_INTERVAL;
    log_warning_errno(
        error,
        "The certificate of entry %s of storage \"%s\", and maybe others, cannot be %s "
        "now: %m",
        job->key, job->storage->name, kinds[job->kind].verb);
}

/* The inventory is not gone through any more: starting a job may change it. */
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
        }
        job = next;
    }
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Renewals *renewals = userdata;
    time_t now = time(NULL);
    Look look = { .renewals = renewals, .now = now, .next = now + LOOK_MAX / USEC_PER_SEC };

    (void)source;
    (void)usec;
    /* The clock was ahead. */
    if (renewals->began > now)
        renewals->began = now;
    (void)inventory_use(renewals->inventory, config_file_get(renewals->config_file));
    look.config = inventory_config(renewals->inventory);
    inventory_foreach(renewals->inventory, look_at, &look);
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
    r = timer_start(event, LOOK_SOON, on_timer, renewals, &renewals->timer);
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
