/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "challenges/dns01.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <sys/queue.h>

#include "event/timer.h"
#include "libacme/account/account-label.h"
#include "libacme/transport/polling.h"
#include "log/log.h"
#include "strings/encode.h"
#include "txt-records/publication.h"

typedef enum State {
    STATE_WORKING, /* not yet in DNS, or failed */
    STATE_VISIBLE, /* in DNS, and the callback waits for others */
    STATE_TOLD,    /* the callback was called */
} State;

/* The answer to one challenge, until it is withdrawn. */
typedef struct Answer {
    Dns01 *dns01;
    LIST_ENTRY(Answer) list;
    DnsPublication *publication;
    State state;
    uint64_t serial;  /* in the order of arrival */
    uint64_t horizon; /* serial numbers below it had arrived when this one became visible */
    const ChallengeGroup *group;
    solver_cb callback;
    void *userdata;
} Answer;

struct Dns01 {
    TxtRecords *records;
    LIST_HEAD(, Answer) answers;
    uint64_t serial;
    sd_event_source *release;
};

static void answer_free(Answer *answer)
{
    LIST_REMOVE(answer, list);
    dns_publication_withdraw(answer->publication);
    free(answer);
}

DEFINE_CLEANUP_FUNC(Answer *, answer_free)

/* Deferred to the event loop: a callback may change the list. */
void dns01_release(Dns01 *dns01)
{
    (void)timer_arm(dns01->release, 0);
}

/* The callback may withdraw the answer: do not touch it afterwards. */
static void answer_tell(Answer *answer, const Failure *failure)
{
    answer->state = STATE_TOLD;
    dns01_release(answer->dns01);
    answer->callback(failure, answer->userdata);
}

static bool is_at_same_name(const Answer *a, const Answer *b)
{
    const char *x = dns_publication_owner(a->publication),
               *y = dns_publication_owner(b->publication);

    return x && y && streq(x, y);
}

/* A resolver caches all values at a name together. If it reads the name before all values are
 * there, the CA does not find the missing ones until the TTL expires. So an answer waits for all
 * answers of the same order, also for authorizations that are not decided yet. Of other orders it
 * waits only for answers at the same name that were there first, or it could wait forever. */
static bool has_to_wait(const Answer *answer)
{
    const Answer *other;

    if (answer->group->n_undecided > 0)
        return true;
    LIST_FOREACH (other, &answer->dns01->answers, list)
        if (other->state == STATE_WORKING &&
            (other->group == answer->group ||
             (other->serial < answer->horizon && is_at_same_name(other, answer))))
            return true;
    return false;
}

static Answer *next_to_release(const Dns01 *dns01)
{
    Answer *answer;

    LIST_FOREACH (answer, &dns01->answers, list)
        if (answer->state == STATE_VISIBLE && !has_to_wait(answer))
            return answer;
    return NULL;
}

static int on_release(sd_event_source *source, uint64_t usec, void *userdata)
{
    Answer *answer;

    (void)source;
    (void)usec;
    while ((answer = next_to_release(userdata)))
        answer_tell(answer, NULL);
    return 0;
}

static void on_published(const Failure *failure, void *userdata)
{
    Answer *answer = userdata;

    if (failure) {
        answer_tell(answer, failure);
        return;
    }
    answer->state = STATE_VISIBLE;
    answer->horizon = answer->dns01->serial;
    dns01_release(answer->dns01);
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

#define LABEL "_acme-challenge."

size_t dns01_prefix_length(const Verification *verification)
{
    return STRLEN(LABEL) + (verification->account_label ? ACCOUNT_LABEL_LENGTH + 1 : 0);
}

/* The name that the CA looks up. NULL: out of memory. */
static char *record_owner(const Challenge *challenge)
{
    char *owner, label[ACCOUNT_LABEL_LENGTH + 1];

    if (!challenge->verification->account_label)
        return asprintf(&owner, LABEL "%s", challenge->name) < 0 ? NULL : owner;
    if (account_label(challenge->account_url, label) < 0)
        return NULL;
    return asprintf(&owner, "%s." LABEL "%s", label, challenge->name) < 0 ? NULL : owner;
}

static int dns01_publish(const Solvers *solvers, const Challenge *challenge, solver_cb callback,
                         void *userdata, void **ret)
{
    _cleanup_free_ char *value = record_value(challenge->key_authorization);
    _cleanup_free_ char *owner = record_owner(challenge);
    _cleanup_(answer_freep) Answer *answer = NULL;
    Dns01 *dns01 = solvers->dns01;
    DnsPublicationRequest request = {
        .config = challenge->config,
        .verification = challenge->verification,
        .name = challenge->name,
        .owner = owner,
        .value = value,
    };
    int r;

    answer = calloc(1, sizeof(*answer));
    if (!answer)
        return log_oom();
    answer->dns01 = dns01;
    answer->group = challenge->group;
    answer->serial = dns01->serial++;
    answer->callback = callback;
    answer->userdata = userdata;
    LIST_INSERT_HEAD(&dns01->answers, answer, list);
    if (!value || !owner)
        return log_oom();
    r = dns_publication_start(dns01->records, &request, on_published, answer, &answer->publication);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(answer);
    return 0;
}

static char *dns01_waits_for(void *userdata)
{
    const Answer *answer = userdata;
    const char *lag = dns_publication_lag(answer->publication);
    char *clause;

    if (!lag ||
        asprintf(&clause, "its TXT record is not yet visible on all name servers of the zone (%s)",
                 lag) < 0)
        return NULL;
    return clause;
}

static void dns01_withdraw(void *userdata)
{
    Answer *answer = userdata;

    dns01_release(answer->dns01);
    answer_free(answer);
}

const Solver dns01_solver = {
    .type = "dns-01",
    .not_offered = "the CA offers no dns-01 challenge",
    .serves_wildcards = true,
    .publish = dns01_publish,
    .waits_for = dns01_waits_for,
    .withdraw = dns01_withdraw,
};

const Solver dns_account01_solver = {
    .type = "dns-account-01",
    .not_offered = "the CA offers no dns-account-01 challenge, which label = account needs",
    .serves_wildcards = true,
    .publish = dns01_publish,
    .waits_for = dns01_waits_for,
    .withdraw = dns01_withdraw,
};

bool dns01_sweep(Dns01 *dns01, Config *config, bool (*is_needed)(const char *name, void *userdata),
                 void *userdata, bool again)
{
    return txt_records_sweep(dns01->records, config, is_needed, userdata, again);
}

int dns01_new(sd_event *event, Dns01 **ret)
{
    _cleanup_(dns01_freep) Dns01 *dns01 = calloc(1, sizeof(*dns01));
    int r;

    if (!dns01)
        return -ENOMEM;
    LIST_INIT(&dns01->answers);
    r = txt_records_new(event, &dns01->records);
    if (r >= 0)
        r = timer_start(event, 0, on_release, dns01, &dns01->release);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(dns01);
    return 0;
}

Dns01 *dns01_free(Dns01 *dns01)
{
    Answer *answer;

    if (!dns01)
        return NULL;
    while ((answer = LIST_FIRST(&dns01->answers)))
        answer_free(answer);
    txt_records_free(dns01->records);
    sd_event_source_disable_unref(dns01->release);
    free(dns01);
    return NULL;
}
