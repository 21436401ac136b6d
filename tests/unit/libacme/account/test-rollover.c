/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/account/rollover.h"

#include "libacme/account/registration.h"
#include "make-x509.h"
#include "scripted-ca.h"
#include "statedir/account/account-dir.h"
#include "test-directory.h"

static char why[ACCOUNT_KEY_WHY_SIZE];

typedef struct Case {
    const char *name;
    CaReply script[4];
    const char *seen;
} Case;

static const Case cases[] = {
    { "changed",
      { { "key-change", 200, "{}" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "key-change {'payload': 'https://ca.test/account/1', 'signature': '…'}\n"
      "done\n"
      "new key, registration with P-384\n" },
    { "refused",
      { { "key-change", 403, CA_PROBLEM("unauthorized") },
        { "new-account", 400, CA_PROBLEM("accountDoesNotExist") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "key-change {'payload': 'https://ca.test/account/1', 'signature': '…'}\n"
      "new-account {'onlyReturnExisting': true}\n"
      "failed 500: The CA refuses the server's ACME account. The server's administrator must run "
      "'acme-register CONFIG', which shows the state of the account. The CA said: unauthorized: "
      "No. The account keeps its previous key.\n"
      "old key, registration with P-256\n" },
    { "the answer is lost, and the CA has the new key",
      { { "key-change", 0 }, { "new-account", 200, "{'status': 'valid'}", "account/1" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "key-change {'payload': 'https://ca.test/account/1', 'signature': '…'}\n"
      "HEAD new-nonce\n"
      "new-account {'onlyReturnExisting': true}\n"
      "done\n"
      "new key, registration with P-384\n" },
    { "the answer is lost, and the CA has the old key",
      { { "key-change", 0 }, { "new-account", 400, CA_PROBLEM("accountDoesNotExist") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "key-change {'payload': 'https://ca.test/account/1', 'signature': '…'}\n"
      "HEAD new-nonce\n"
      "new-account {'onlyReturnExisting': true}\n"
      "failed 503: The CA cannot be reached: Connection refused. Try again later. The account "
      "keeps "
      "its previous key.\n"
      "old key, registration with P-256\n" },
    { "not implemented, with a type about something else",
      { { "key-change", 501, CA_PROBLEM("rejectedIdentifier") },
        { "new-account", 400, CA_PROBLEM("accountDoesNotExist") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "key-change {'payload': 'https://ca.test/account/1', 'signature': '…'}\n"
      "new-account {'onlyReturnExisting': true}\n"
      "failed 500: The CA does not implement the request to change the account key. The CA said: "
      "rejectedIdentifier: No. The account keeps its previous key.\n"
      "old key, registration with P-256\n" },
    { "the CA is away",
      { { "key-change", 0 }, { "new-account", 0 } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "key-change {'payload': 'https://ca.test/account/1', 'signature': '…'}\n"
      "HEAD new-nonce\n"
      "new-account {'onlyReturnExisting': true}\n"
      "failed 503: The CA cannot be reached: Connection refused. Try again later. Both keys are "
      "kept until the CA confirms which one is valid.\n"
      "old key, registration with P-256, one waits\n" },
    { "an answer of a proxy",
      { { "key-change", 502, "", .type = "text/html" },
        { "new-account", 502, "", .type = "text/html" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "key-change {'payload': 'https://ca.test/account/1', 'signature': '…'}\n"
      "new-account {'onlyReturnExisting': true}\n"
      "failed 503: The CA sent an unexpected answer to the request to confirm the account key "
      "(HTTP status 502, text/html). Try again later. Both keys are kept until the CA confirms "
      "which one is "
      "valid.\n"
      "old key, registration with P-256, one waits\n" },
    { "taken without an end",
      { { "key-change", 202, "{}" }, { "new-account", 200, "{'status': 'valid'}", "account/1" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "key-change {'payload': 'https://ca.test/account/1', 'signature': '…'}\n"
      "new-account {'onlyReturnExisting': true}\n"
      "done\n"
      "new key, registration with P-384\n" },
};

typedef struct Bed {
    char *directory;
    sd_event *event;
    Session *session;
    EVP_PKEY *old, *new;
    Rollover *rollover;
} Bed;

static void bed_open(Bed *bed)
{
    json_auto_t *account = json_pack("{ss}", "status", "valid"), *registration = NULL;

    *bed = (Bed){ .directory = test_directory_new(),
                  .old = make_key("P-256"),
                  .new = make_key("P-384") };
    ASSERT_OK(account_key_save(bed->directory, bed->old, false));
    ASSERT_OK(registration_pack(bed->old, account, NULL, CA_URL "dir", CA_URL "account/1",
                                &registration));
    ASSERT_OK(account_registration_save(bed->directory, registration));
    ca = (Ca){ .is_quiet = false };
    ASSERT_TRUE(sd_event_new(&bed->event) >= 0);
    ASSERT_OK(session_new(bed->event, CA_URL "dir", &(FetchRoute){ 0 }, &bed->session));
    session_set_key(bed->session, bed->old);
    ASSERT_OK(session_set_account(bed->session, CA_URL "account/1"));
}

static void bed_close(Bed *bed)
{
    rollover_cancel(bed->rollover);
    session_unref(bed->session);
    sd_event_unref(bed->event);
    EVP_PKEY_free(bed->old);
    EVP_PKEY_free(bed->new);
    test_directory_freep(&bed->directory);
}

static void on_end(const Failure *failure, void *userdata)
{
    Bed *bed = userdata;
    int fd = account_dir_lock(bed->directory);

    ASSERT_TRUE(fd >= 0); /* the lock is released before */
    safe_close(fd);
    bed->rollover = NULL;
    if (failure)
        trace_add("failed %d: %s", failure->status, failure->reason);
    else
        trace_add("done");
}

static int start(Bed *bed)
{
    const RolloverPlan plan = { bed->old, bed->new, CA_URL "account/1", CA_URL "key-change" };

    return rollover_start(bed->session, bed->directory, &plan, on_end, bed, &bed->rollover);
}

static const char *name_of(const Bed *bed, EVP_PKEY *key)
{
    return EVP_PKEY_eq(key, bed->new) == 1   ? "new"
           : EVP_PKEY_eq(key, bed->old) == 1 ? "old"
                                             : "other";
}

/* The key on disk, that of the registration, and whether one waits. */
static void show(const Bed *bed)
{
    _cleanup_key_ EVP_PKEY *key = NULL;
    json_auto_t *registration = NULL;
    const json_t *jwk;

    ASSERT_OK(account_key_load(bed->directory, why, &key));
    ASSERT_OK(account_registration_load(bed->directory, &registration));
    jwk = json_object_get(json_object_get(registration, "body"), "key");
    trace_add("%s key, registration with %s%s", name_of(bed, key),
              json_string_value(json_object_get(jwk, "crv")),
              account_new_key_exists(bed->directory) ? ", one waits" : "");
}

static void run(const Case *c)
{
    Bed bed;

    bed_open(&bed);
    ca_start(c->script);
    ASSERT_OK(start(&bed));
    /* On disk before the CA gets it, and nobody else can change it. */
    ASSERT_TRUE(account_new_key_exists(bed.directory));
    ASSERT_EQ(account_dir_lock(bed.directory), -EBUSY);
    clock_run(bed.event, NULL, 0);
    show(&bed);
    trace_assert(c->name, c->seen);
    ca_assert_done(c->name);
    bed_close(&bed);
}

/* A change that was interrupted at the first step is resumed. */
static void test_resume(void)
{
    static const CaReply script[] = { { "new-account", 200, "{'status': 'valid'}", "account/1" },
                                      { NULL } };
    Bed bed;
    int fd;

    bed_open(&bed);
    ASSERT_EQ(rollover_resume(bed.session, bed.directory, why, on_end, &bed, &bed.rollover), 0);
    ASSERT_OK(start(&bed));
    bed.rollover = rollover_cancel(bed.rollover);
    ASSERT_EQ(start(&bed), -EEXIST);
    fd = account_dir_lock(bed.directory);
    ASSERT_EQ(start(&bed), -EBUSY);
    ASSERT_EQ(rollover_resume(bed.session, bed.directory, why, on_end, &bed, &bed.rollover), 0);
    safe_close(fd);
    ca_start(script);
    ASSERT_EQ(rollover_resume(bed.session, bed.directory, why, on_end, &bed, &bed.rollover), 1);
    ASSERT_EQ(account_dir_lock(bed.directory), -EBUSY);
    clock_run(bed.event, NULL, 0);
    show(&bed);
    trace_assert("resume", "GET dir\n"
                           "HEAD new-nonce\n"
                           "new-account {'onlyReturnExisting': true}\n"
                           "done\n"
                           "new key, registration with P-384\n");
    ca_assert_done("resume");
    bed_close(&bed);
}

int main(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        run(&cases[i]);
    test_resume();
    return EXIT_SUCCESS;
}
