/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Orders at a scripted CA. The trace has the requests to the CA, the time that passes between them,
 * and what the order's owner is told. */

#include "challenges/dns01.h"
#include "challenges/tlsalpn01.h"
#include "loading/load.h"
#include "make-x509.h"
#include "orders/order-base.h"
#include "orders/order.h"
#include "scripted-ca.h"
#include "statedir/challenges/challenge.h"
#include "strings/strv.h"
#include "test-directory.h"
#include "x509/csr.h"

typedef struct Bed {
    char *directory, *challenges, *state;
    int challenges_fd;
    Solvers solvers;
    Config *config;
    sd_event *event;
    Accounts *accounts;
    EVP_PKEY *key;
    char *body, *chains[5];
    Order *order;
    bool is_over;
    bool is_told; /* the CA was asked to validate */
    bool is_prefetch;
} Bed;

static Bed *bed; /* for the CA's answers */

/* No case needs what it wrote to survive a crash, and many write at the same time. */
int fsync(int fd)
{
    (void)fd;
    return 0;
}

#define BED_TOKEN "token-1"

/* The account of the bed has no contact. */
#define BED_WANTS_CONTACT                                                                          \
    "The server's administrator must run 'acme-register --update-contact --email=ADDRESS CONFIG' " \
    "if the CA requires an e-mail address in the account."

static inline SignRequest bed_request(const Bed *b)
{
    SignRequest request = { 0 };
    const char *why;

    ASSERT_OK(sign_request_init(&request, b->body, strlen(b->body)));
    ASSERT_OK(sign_request_parse(&request, &why));
    request.auth = config_find_auth(b->config, "web");
    return request;
}

static inline bool bed_has_record(const Bed *b)
{
    _cleanup_(sign_request_done) SignRequest request = bed_request(b);
    OrderRecord record = { 0 };
    int r = order_record_load(b->config->state_directory, request.key, &record);

    order_record_done(&record);
    return r >= 0;
}

static inline bool bed_has_records(const Bed *b)
{
    _cleanup_strv_ char **keys = NULL;

    ASSERT_OK(order_record_list(b->config->state_directory, &keys));
    return keys;
}

static inline bool bed_has_answer(const Bed *b)
{
    return test_exists(b->challenges, BED_TOKEN);
}

/* The CA finds the answer to the challenge, and the step on disk, when it is asked for it. */
static void bed_observe(const char *to, char note[CA_NOTE_SIZE])
{
    if (streq(to, "challenge/1")) {
        bed->is_told = true;
        (void)snprintf(note, CA_NOTE_SIZE, "%s", bed_has_answer(bed) ? " (published)" : "");
    }
    if (streq(to, "new-order") || streq(to, "finalize/1"))
        ASSERT_TRUE(bed_has_records(bed));
}

/* What the CA answers without a script: one authorization, whose challenge succeeds. */
static bool bed_answer(const char *to, CaReply *ret)
{
    static const CaReply replies[] = {
        { "new-order", 201,
          "{'status': 'pending', 'finalize': '@finalize/1', 'authorizations': ['@authz/1']}",
          "order/1" },
        { "order/1", 200,
          "{'status': 'pending', 'finalize': '@finalize/1', 'authorizations': ['@authz/1']}" },
        { "challenge/1", 200, "{'status': 'processing'}" },
        { "finalize/1", 200, "{'status': 'valid', 'certificate': '@certificate/1'}" },
        { "authz/1", 200,
          "{'status': 'pending', 'identifier': {'type': 'dns', 'value': 'a.example.org'}, "
          "'challenges': [{'type': 'http-01', 'status': 'pending', 'token': '" BED_TOKEN "', "
          "'url': '@challenge/1'}]}" },
    };
    unsigned long n;

    if (strncmp(to, "2/new-order", 11) == 0)
        to += 2;
    if (streq(to, "authz/1") && bed->is_told) {
        *ret = (CaReply){ to, 200, "{'status': 'valid'}" };
        return true;
    }
    n = strncmp(to, "certificate/", 12) == 0 ? strtoul(to + 12, NULL, 10) : 0;
    if (n > 0 && n <= ELEMENTSOF(bed->chains)) {
        *ret =
            (CaReply){ to, 200, bed->chains[n - 1], .type = "application/pem-certificate-chain" };
        return true;
    }
    for (size_t i = 0; i < ELEMENTSOF(replies); i++)
        if (streq(to, replies[i].to)) {
            *ret = replies[i];
            return true;
        }
    return false;
}

static inline const char *bed_after_retry(unsigned retry_after)
{
    static char text[32];

    (void)snprintf(text, sizeof(text), retry_after ? ", retry %u" : "", retry_after);
    return text;
}

static void bed_on_end(Order *order, const Chain *chain, const Failure *failure, void *userdata)
{
    (void)userdata;
    ASSERT_FALSE(bed->is_over);
    ASSERT_TRUE(!chain != !failure);
    if (chain)
        trace_add("issued");
    else
        trace_add("end %d%s: %s", failure->status, bed_after_retry(failure->retry_after),
                  failure->reason);
    bed->is_over = true;
    bed->order = order_free(order);
}

static void bed_on_trouble(Order *order, const Failure *failure, void *userdata)
{
    (void)userdata;
    ASSERT_TRUE(order_trouble(order) == failure);
    trace_add("pause %d%s: %s", failure->status, bed_after_retry(failure->retry_after),
              failure->reason);
}

static void bed_on_finding(int level, const char *file, unsigned line, const char *text,
                           void *userdata)
{
    (void)level;
    (void)userdata;
    fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

/* @config: lines of the auth block, then other blocks; @account: lines of the account. An auth
 * block that names accounts names this one "one". */
static inline Config *bed_load_config(const char *directory, const char *config,
                                      const char *account)
{
    _cleanup_free_ char *path = test_path(directory, "acmems.ini"), *content = NULL;
    Config *result = NULL;

    ASSERT_TRUE(asprintf(&content,
                         "[account%s]\nacme-server = https://ca.test/dir\ndir = %s/account\n"
                         "accept-terms-of-service = yes\n%s"
                         "[state]\ndirectory = %s/state\n[mgmt]\ndefault-storage = files\n"
                         "default-verification = http\n[verification \"http\"]\ntype = http01\n"
                         "listener =\n[storage \"files\"]\ntype = file\ndirectory = %s/storage\n"
                         "[storage \"nowhere\"]\ntype = none\n"
                         "[auth \"web\"]\nip = 192.0.2.1\ndomain = *.example.org\n%s",
                         strstr(config, "account = one") ? " \"one\"" : "", directory, account,
                         directory, directory, config) > 0);
    test_write(directory, "acmems.ini", content);
    ASSERT_OK(config_load(path, bed_on_finding, NULL, &result));
    return result;
}

/* Certificates that the CA has, by the number in their URL: what was ordered, the same by another
 * root, of another key, for another name, and two that are no good. */
static inline void bed_make_chains(Bed *b, const char *names)
{
    _cleanup_key_ EVP_PKEY *other = make_key("P-256");

    b->chains[0] = make_renewable_certificate(b->key, NULL, names);
    b->chains[1] = make_renewable_certificate(b->key, "Other Root", names);
    b->chains[2] = make_certificate(other, names, -3600, 90 * 86400);
    b->chains[3] = make_certificate(b->key, "DNS:z.example.org", -3600, 90 * 86400);
    b->chains[4] = ca_copy("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
}

/* @names: of the CSR */
static inline void bed_open(Bed *b, const char *config, const char *account, const char *names)
{
    _cleanup_free_ char *storage = NULL;

    clock_round();
    *b = (Bed){ .directory = test_directory_new() };
    bed = b;
    b->challenges = test_path(b->directory, "challenges");
    ASSERT_OK(mkdir(b->challenges, 0700));
    storage = test_path(b->directory, "storage");
    ASSERT_OK(mkdir(storage, 0700));
    b->state = test_path(b->directory, "state");
    ASSERT_OK(mkdir(b->state, 0700));
    b->challenges_fd = open(b->challenges, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_TRUE(b->challenges_fd >= 0);
    b->solvers.http01_fd = b->challenges_fd;
    ASSERT_TRUE(sd_event_new(&b->event) >= 0);
    ASSERT_OK(dns01_new(b->event, &b->solvers.dns01));
    ASSERT_OK(tlsalpn01_new(b->event, b->challenges_fd, &b->solvers.tlsalpn01));
    b->config = bed_load_config(b->directory, config, account);
    ASSERT_OK(accounts_new(b->event, &b->accounts));
    b->key = make_key("P-256");
    b->body = make_request(b->key, NULL, names);
    bed_make_chains(b, names);
    ca = (Ca){ .answer = bed_answer, .observe = bed_observe, .is_quiet = true };
    ASSERT_TRUE(trace_size == 0);
}

/* Without the end of an order: it can be resumed. */
static inline void bed_drop(Bed *b)
{
    b->order = order_free(b->order);
    b->is_over = false;
}

static inline void bed_start(Bed *b)
{
    ASSERT_OK(order_start(b->order, b->accounts, bed_on_end, bed_on_trouble, NULL));
}

static inline void bed_order(Bed *b)
{
    const OrderSetup setup = { b->event, &b->solvers, b->config, NULL };
    const OrderCaller caller = { .request_id = "1",
                                 .client = "192.0.2.1",
                                 .is_prefetch = b->is_prefetch };
    _cleanup_(sign_request_done) SignRequest request = bed_request(b);

    ASSERT_OK(order_new(&setup, &request, &caller, &b->order));
    order_add_caller(b->order, &caller);
    bed_start(b);
}

/* As after a restart. */
static inline void bed_resume(Bed *b)
{
    const OrderSetup setup = { b->event, &b->solvers, b->config, NULL };
    _cleanup_(sign_request_done) SignRequest request = bed_request(b);
    OrderRecord record = { 0 };

    ASSERT_OK(order_record_load(b->config->state_directory, request.key, &record));
    ASSERT_OK(order_resume(&setup, &request, &record, &b->order));
    bed_start(b);
}

static inline void bed_close(Bed *b)
{
    bed_drop(b);
    accounts_free(b->accounts);
    dns01_free(b->solvers.dns01);
    tlsalpn01_free(b->solvers.tlsalpn01);
    ASSERT_EQ(b->config->n_ref, 1);
    b->config = config_unref(b->config);
    sd_event_unref(b->event);
    EVP_PKEY_free(b->key);
    free(b->body);
    for (size_t i = 0; i < ELEMENTSOF(b->chains); i++)
        free(b->chains[i]);
    safe_close(b->challenges_fd);
    free(b->challenges);
    free(b->state);
    test_directory_freep(&b->directory);
}

typedef struct BedCase {
    const char *name;
    CaReply script[16];
    const char *seen;
    unsigned seconds;   /* to watch the order; 0: until it has ended */
    const char *config; /* see bed_load_config(); NULL: none */
    const char *account;
    const char *names; /* NULL: one */
    unsigned gaps[4];  /* s after which the same is ordered again; 0: no more */
    bool is_kept;      /* in the file of the order */
    bool is_prefetch;  /* no client waits */
} BedCase;

static inline usec_t bed_until(const BedCase *c)
{
    return now_monotonic() + (c->seconds ? c->seconds : 30U * 86400) * USEC_PER_SEC;
}

/* Whatever happens, the order is on disk as long as it has not ended, and no answer stays. */
static inline void bed_check(const Bed *b, const BedCase *c)
{
    ASSERT_TRUE(b->is_over || c->seconds);
    ASSERT_EQ(bed_has_record(b), !b->is_over || c->is_kept);
    if (b->is_over)
        ASSERT_FALSE(bed_has_answer(b));
}

static inline void bed_end_case(Bed *b, const BedCase *c)
{
    bed_check(b, c);
    trace_assert(c->name, c->seen);
    ca_assert_done(c->name);
    bed_close(b);
}

static inline void bed_open_case(Bed *b, const BedCase *c)
{
    bed_open(b, str_or(c->config, ""), str_or(c->account, ""),
             str_or(c->names, "DNS:a.example.org"));
    b->is_prefetch = c->is_prefetch;
    ca_start(c->script);
}

static inline void bed_run_orders(Bed *b, const BedCase *c)
{
    bed_order(b);
    clock_run(b->event, &b->is_over, bed_until(c));
    for (size_t i = 0; i < ELEMENTSOF(c->gaps) && c->gaps[i] > 0; i++) {
        bed_check(b, c);
        bed_drop(b);
        clock_skip(c->gaps[i]);
        trace_add("-- %u s later", c->gaps[i]);
        bed_order(b);
        clock_run(b->event, &b->is_over, bed_until(c));
    }
    bed_end_case(b, c);
}

static inline void bed_run_case(const BedCase *c)
{
    Bed b;

    bed_open_case(&b, c);
    bed_run_orders(&b, c);
}

/* What most traces begin or end with. */
#define SEEN_PLACED    "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}]}\n"
#define SEEN_VALIDATED "authz/1\nchallenge/1 {} (published)\nwait 0.1 s\nauthz/1\n"
#define SEEN_FINALIZED "finalize/1 {'csr': '…'}\n"
#define SEEN_ISSUED    "certificate/1 as application/pem-certificate-chain\nissued\n"
