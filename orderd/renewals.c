/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewals.h"

#include <sys/queue.h>
#include <sys/random.h>

#include "log.h"
#include "renewal-info.h"
#include "renewal-question.h"

/* Between two things that are begun: ten thousand certificates in an hour are no burst. */
#define PACE (360 * USEC_PER_MSEC)
/* The clock may be set meanwhile, s. */
#define LOOK_AT_LEAST 600

#define QUESTIONS_MAX 4U
/* After a start all that were never asked about are asked about within so long, s. */
#define FIRST_WITHIN 3600U

#define NEVER ((time_t)INT64_MAX)

typedef struct Question {
    LIST_ENTRY(Question) list;
    Renewals *renewals;
    RenewalQuestion *question;
    size_t storage; /* its number in the configuration */
} Question;

struct Renewals {
    Inventory *inventory;
    Orders *orders;
    sd_event_source *timer;
    bool is_woken; /* .timer comes at the next opportunity already */
    LIST_HEAD(, Question) questions;
    unsigned n_questions;
};

static void question_free(Question *question)
{
    LIST_REMOVE(question, list);
    question->renewals->n_questions--;
    renewal_question_free(question->question);
    free(question);
}

static unsigned random_below(unsigned n)
{
    uint32_t random = 0;

    /* Nothing hangs on how good it is. */
    (void)!getrandom(&random, sizeof(random), 0);
    return random % n;
}

/* When the CA is to be asked about it. */
static time_t ask_time(InventoryItem *item, time_t now)
{
    const StorageEntry *entry = &item->entry;
    InventoryNotes *notes = &item->notes;
    /* A time that no question could have led to is that of a clock that was wrong. */
    bool is_said = entry->ask_at != 0 && entry->ask_at <= now + (time_t)RENEWAL_INFO_ASK_MAX;

    if (notes->is_asking || entry->not_after <= now)
        return NEVER;
    if (!is_said && notes->ask_at == 0)
        notes->ask_at = now + random_below(FIRST_WITHIN);
    return is_said && entry->ask_at > notes->ask_at ? entry->ask_at : notes->ask_at;
}

/* What is to be done first, of all that there is. */
typedef struct Plan {
    time_t now;
    InventoryItem *ask; /* NULL: nothing */
    time_t ask_at;
} Plan;

static void plan_item(InventoryItem *item, void *userdata)
{
    Plan *plan = userdata;
    time_t time = ask_time(item, plan->now);

    if (time >= plan->ask_at)
        return;
    plan->ask = item;
    plan->ask_at = time;
}

static void on_answer(RenewalQuestion *asked, RenewalAnswer answer, void *userdata)
{
    Question *question = userdata;
    Renewals *renewals = question->renewals;
    const Storage *storage = renewal_question_storage(asked);
    InventoryItem *item =
        inventory_find(renewals->inventory, question->storage, renewal_question_key(asked));

    if (item) {
        InventoryNotes *notes = &item->notes;

        notes->is_asking = false;
        notes->n_asked_in_vain = answer == RENEWAL_ANSWER_FAILED ? notes->n_asked_in_vain + 1 : 0;
        /* What is not on disk, or could not be written. */
        notes->ask_at = time(NULL) + (answer == RENEWAL_ANSWER_NEVER ? renewal_info_pause(0)
                                                                     : RENEWAL_INFO_ASK_MIN);
        inventory_look(renewals->inventory, storage, renewal_question_key(asked));
    }
    question_free(question);
}

static int start_question(Renewals *renewals, const InventoryItem *item)
{
    Config *config = inventory_config(renewals->inventory);
    Question *question = calloc(1, sizeof(*question));
    int r;

    if (!question)
        return -ENOMEM;
    question->renewals = renewals;
    question->storage = item->storage;
    LIST_INSERT_HEAD(&renewals->questions, question, list);
    renewals->n_questions++;
    r = renewal_question_start(
        orders_accounts(renewals->orders), config, config->storages[item->storage], item->entry.key,
        item->notes.n_asked_in_vain, on_answer, question, &question->question);
    if (r < 0)
        question_free(question);
    return r;
}

static void ask(Renewals *renewals, InventoryItem *item)
{
    int r = start_question(renewals, item);

    item->notes.is_asking = r >= 0;
    if (r >= 0)
        return;
    item->notes.ask_at = time(NULL) + renewal_info_pause(0);
    /* What has no CA to ask is renewed by the configuration's time. */
    if (r != -ENOENT && r != -EOPNOTSUPP)
        log_warning_errno(r, "The CA cannot be asked about the certificate of entry %s: %m",
                          item->entry.key);
}

static void schedule(Renewals *renewals, usec_t delay)
{
    (void)sd_event_source_set_time_relative(renewals->timer, delay);
    (void)sd_event_source_set_enabled(renewals->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Renewals *renewals = userdata;
    Plan plan = { .now = time(NULL), .ask_at = NEVER };
    time_t next;

    (void)source;
    (void)usec;
    renewals->is_woken = false;
    inventory_foreach(renewals->inventory, plan_item, &plan);
    next = plan.ask_at;
    if (next <= plan.now && renewals->n_questions < QUESTIONS_MAX)
        ask(renewals, plan.ask);
    if (next > plan.now + LOOK_AT_LEAST)
        next = plan.now + LOOK_AT_LEAST;
    schedule(renewals, next > plan.now ? (usec_t)(next - plan.now) * USEC_PER_SEC : PACE);
    return 0;
}

void renewals_wake(Renewals *renewals)
{
    if (!renewals || renewals->is_woken)
        return;
    renewals->is_woken = true;
    schedule(renewals, PACE);
}

int renewals_new(sd_event *event, Inventory *inventory, Orders *orders, Renewals **ret)
{
    _cleanup_(renewals_freep) Renewals *renewals = calloc(1, sizeof(*renewals));
    int r;

    if (!renewals)
        return -ENOMEM;
    LIST_INIT(&renewals->questions);
    renewals->inventory = inventory;
    renewals->orders = orders;
    /* Goes on while the machine sleeps. */
    r = sd_event_add_time_relative(event, &renewals->timer, CLOCK_BOOTTIME, PACE, 0, on_timer,
                                   renewals);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(renewals);
    return 0;
}

Renewals *renewals_free(Renewals *renewals)
{
    if (!renewals)
        return NULL;
    while (!LIST_EMPTY(&renewals->questions))
        question_free(LIST_FIRST(&renewals->questions));
    sd_event_source_disable_unref(renewals->timer);
    free(renewals);
    return NULL;
}
