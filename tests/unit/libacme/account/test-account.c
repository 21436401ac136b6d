/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/account/account.h"

#include "libacme/account/registration.h"
#include "loading/load.h"
#include "make-x509.h"
#include "scripted-ca.h"
#include "statedir/account/account-dir.h"
#include "test-directory.h"

static char why[ACCOUNT_KEY_WHY_SIZE];

#define TERMS        "https://ca.test/terms/1"
#define WITH_TERMS   "{" CA_DIRECTORY ", 'meta': {'termsOfService': '@terms/1'}}"
#define WITH_BINDING "{" CA_DIRECTORY ", 'meta': {'externalAccountRequired': true}}"
#define ELSEWHERE                                                                                  \
    "{'body': {'contact': ['mailto:a@example.org'], 'status': 'deactivated'}, 'server': "          \
    "'https://old.test/dir', 'uri': 'https://old.test/account/7'}"
#define REGISTERED(status)                                                                         \
    "{'body': {'contact': ['mailto:a@example.org'], 'key': {}, 'status': '" status "'}, 'uri': "   \
    "'@account/7'}"

#define WANTS_CONTACT                                                                              \
    "The server's administrator must set contact in [account] if the CA requires an e-mail "       \
    "address."

/* The files that are there. */
enum { KEY = 1, NEW_KEY = 2 };

typedef struct Case {
    const char *name;
    const char *config; /* of the account */
    unsigned files;
    const char *registration; /* NULL: none */
    CaReply script[8];
    const char *seen;
} Case;

#define AWAY    ": unless the CA is down, check acme-server and the firewall. Try again later.\n"
#define CONSENT "accept-terms-of-service = yes\n"

static const Case cases[] = {
    { "no key",
      "",
      0,
      NULL,
      { { 0 } },
      "failed 500, retry 0: The server has no ACME account yet. The server's administrator must "
      "run "
      "'acme-register --gen-key --register --accept-terms-of-service FILE'.\n"
      "failed 500, retry 0: The server has no ACME account yet. The server's administrator must "
      "run "
      "'acme-register --gen-key --register --accept-terms-of-service FILE'.\n" },
    { "no key, consent to other terms",
      "accept-terms-of-service = https://ca.test/terms/0\n",
      0,
      NULL,
      { { "dir", 200, WITH_TERMS }, { "new-account", 400, CA_PROBLEM("accountDoesNotExist") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'onlyReturnExisting': true}\n"
      "failed 500, retry 0, no account: The server has no account at the CA yet. The server's "
      "administrator "
      "must run 'acme-register --register --accept-terms-of-service FILE'.\n"
      "failed 500, retry 0, no account: The server has no account at the CA yet. The server's "
      "administrator "
      "must run 'acme-register --register --accept-terms-of-service FILE'.\n"
      "a key of its own\n" },
    { "no key, consent",
      CONSENT,
      0,
      NULL,
      { { 0 } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "ready\n"
      "ready\n"
      "a key of its own\n"
      "registered: https://ca.test/account/1, valid\n" },
    { "no consent",
      "",
      KEY,
      NULL,
      { { "dir", 200, WITH_TERMS }, { "new-account", 400, CA_PROBLEM("accountDoesNotExist") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'onlyReturnExisting': true}\n"
      "failed 500, retry 0, no account: The server has no account at the CA yet. The server's "
      "administrator "
      "must run 'acme-register --register --accept-terms-of-service FILE'.\n"
      "failed 500, retry 0, no account: The server has no account at the CA yet. The server's "
      "administrator "
      "must run 'acme-register --register --accept-terms-of-service FILE'.\n" },
    { "no consent, but an account",
      "",
      KEY,
      NULL,
      { { "dir", 200, WITH_TERMS }, { "new-account", 200, "{'status': 'valid'}", "account/3" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'onlyReturnExisting': true}\n"
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/3, valid\n" },
    { "no consent, and no terms",
      "",
      KEY,
      NULL,
      { { 0 } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/1, valid\n" },
    { "consent to these terms",
      "accept-terms-of-service = " TERMS "\n",
      KEY,
      NULL,
      { { "dir", 200, WITH_TERMS } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/1, valid\n" },
    { "consent to all terms",
      CONSENT,
      KEY,
      NULL,
      { { "dir", 200, WITH_TERMS } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/1, valid\n" },
    { "registered",
      "",
      KEY,
      REGISTERED("valid"),
      { { 0 } },
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/7, valid\n" },
    { "registered, then deactivated",
      "",
      KEY,
      REGISTERED("deactivated"),
      { { 0 } },
      "failed 500, retry 0, no account: The server's account at the CA is deactivated. The "
      "server's "
      "administrator must create a new one with 'acme-register --gen-key --override-existing-key "
      "--register FILE'.\n"
      "failed 500, retry 0, no account: The server's account at the CA is deactivated. The "
      "server's "
      "administrator must create a new one with 'acme-register --gen-key --override-existing-key "
      "--register FILE'.\n"
      "registered: https://ca.test/account/7, deactivated\n" },
    { "registered at a CA whose accounts are on another host",
      "",
      KEY,
      "{'body': {}, 'server': '@dir', 'uri': 'https://accounts.test/7'}",
      { { 0 } },
      "ready\n"
      "ready\n"
      "registered: https://accounts.test/7, ?\n" },
    { "registered at another CA",
      "",
      KEY,
      ELSEWHERE,
      { { "dir", 200, WITH_TERMS }, { "new-account", 400, CA_PROBLEM("accountDoesNotExist") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'contact': ['mailto:a@example.org'], 'onlyReturnExisting': true}\n"
      "failed 500, retry 0, no account: The server has no account at the CA yet: its account is "
      "https://old.test/account/7, and acme-server is now https://ca.test/dir. The server's "
      "administrator "
      "must run 'acme-register --register --accept-terms-of-service FILE'.\n"
      "failed 500, retry 0, no account: The server has no account at the CA yet: its account is "
      "https://old.test/account/7, and acme-server is now https://ca.test/dir. The server's "
      "administrator "
      "must run 'acme-register --register --accept-terms-of-service FILE'.\n"
      "registered: https://old.test/account/7, deactivated\n" },
    { "registered at another CA on the same host",
      "",
      KEY,
      "{'body': {}, 'server': '@staging', 'uri': '@account/7'}",
      { { "dir", 200, WITH_TERMS }, { "new-account", 200, "{'status': 'valid'}", "account/3" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'onlyReturnExisting': true}\n"
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/3, valid\n" },
    { "registered at another CA by the Python server",
      CONSENT,
      KEY,
      "{'body': {'status': 'valid'}, 'uri': 'https://old.test/account/7'}",
      { { 0 } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/1, valid\n" },
    { "registered without its URL",
      "",
      KEY,
      "{'body': {'contact': ['mailto:a@example.org'], 'key': {}}}",
      { { "dir", 200, WITH_TERMS } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'contact': ['mailto:a@example.org'], 'onlyReturnExisting': true}\n"
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/1, valid\n" },
    { "a damaged registration",
      "",
      KEY,
      "{",
      { { 0 } },
      "failed 500, retry 0: The server cannot use its ACME account: failed to use "
      "DIRECTORY/registration.json: it is not the registration of an account in JSON; remove it, "
      "and run acme-register --register.\n"
      "failed 500, retry 0: The server cannot use its ACME account: failed to use "
      "DIRECTORY/registration.json: it is not the registration of an account in JSON; remove it, "
      "and run acme-register --register.\n" },
    { "revoked by the CA",
      CONSENT,
      KEY,
      NULL,
      { { "new-account", 200, "{'status': 'revoked'}", "account/3" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "failed 500, retry 0, no account: The server's account at the CA is revoked. The server's "
      "administrator must create a new one with 'acme-register --gen-key --override-existing-key "
      "--register FILE'.\n"
      "failed 500, retry 0, no account: The server's account at the CA is revoked. The server's "
      "administrator must create a new one with 'acme-register --gen-key --override-existing-key "
      "--register FILE'.\n" },
    { "no URL of the account",
      CONSENT,
      KEY,
      NULL,
      { { "new-account", 201, "{'status': 'valid'}", "" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "failed 503, retry 60: The CA sent an unexpected answer to the request to register the "
      "account (HTTP status 201, without an https URL in Location). Try again later.\n"
      "failed 503, retry 60: The CA sent an unexpected answer to the request to register the "
      "account (HTTP status 201, without an https URL in Location). Try again later.\n" },
    { "no status of the account",
      CONSENT,
      KEY,
      NULL,
      { { "new-account", 201, "{}", "account/3" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/3, ?\n" },
    { "an account with status 202",
      CONSENT,
      KEY,
      NULL,
      { { "new-account", 202, "{'status': 'valid'}", "account/3" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/3, valid\n" },
    { "the CA is away",
      CONSENT,
      KEY,
      NULL,
      { { "dir", 0 } },
      "GET dir\n"
      "failed 503, retry 60: The CA cannot be reached: Connection refused" AWAY
      "failed 503, retry 60: The CA cannot be reached: Connection refused" AWAY },
    { "acme-server is another page",
      CONSENT,
      KEY,
      NULL,
      { { "dir", 404, "", .type = "text/html" } },
      "GET dir\n"
      "failed 503, retry 60: https://ca.test/dir does not answer with an ACME directory (HTTP "
      "status 404, text/html): check acme-server. Try again later.\n"
      "failed 503, retry 60: https://ca.test/dir does not answer with an ACME directory (HTTP "
      "status 404, text/html): check acme-server. Try again later.\n" },
    { "the CA goes away",
      CONSENT,
      KEY,
      NULL,
      { { "new-account", 0 } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "failed 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "failed 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n" },
    { "the CA limits registrations",
      CONSENT,
      KEY,
      NULL,
      { { "new-account", 429, CA_PROBLEM("rateLimited"), .retry_after = 99 } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "failed 429, retry 99: The CA limits the rate of registrations. Try again later. The CA "
      "said: "
      "rateLimited: No.\n"
      "failed 429, retry 99: The CA limits the rate of registrations. Try again later. The CA "
      "said: "
      "rateLimited: No.\n" },
    { "contacts",
      CONSENT "contact = a@example.org\ncontact = b@example.org\n",
      KEY,
      NULL,
      { { 0 } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'contact': ['mailto:a@example.org', 'mailto:b@example.org'], "
      "'termsOfServiceAgreed': true}\n"
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/1, valid\n" },
    { "the CA wants a contact",
      CONSENT,
      KEY,
      NULL,
      { { "new-account", 400, CA_PROBLEM("badCSR") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "failed 500, retry 0: The CA refuses to register the server's ACME account. The CA said: "
      "badCSR: No. " WANTS_CONTACT "\n"
      "failed 500, retry 0: The CA refuses to register the server's ACME account. The CA said: "
      "badCSR: No. " WANTS_CONTACT "\n" },
    { "the CA wants a contact, and there is one",
      CONSENT "contact = a@example.org\n",
      KEY,
      NULL,
      { { "new-account", 400, CA_PROBLEM("badCSR") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'contact': ['mailto:a@example.org'], 'termsOfServiceAgreed': true}\n"
      "failed 500, retry 0: The CA refuses to register the server's ACME account. The CA said: "
      "badCSR: No.\n"
      "failed 500, retry 0: The CA refuses to register the server's ACME account. The CA said: "
      "badCSR: No.\n" },
    { "the CA refuses the account",
      CONSENT,
      KEY,
      NULL,
      { { "new-account", 403, CA_PROBLEM("unauthorized") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'termsOfServiceAgreed': true}\n"
      "failed 500, retry 0, no account: The CA refuses the server's ACME account. The server's "
      "administrator must run 'acme-register CONFIG', which shows the state of the account. The CA "
      "said: "
      "unauthorized: No. " WANTS_CONTACT "\n"
      "failed 500, retry 0, no account: The CA refuses the server's ACME account. The server's "
      "administrator must run 'acme-register CONFIG', which shows the state of the account. The CA "
      "said: "
      "unauthorized: No. " WANTS_CONTACT "\n" },
    { "the CA wants a binding",
      CONSENT,
      KEY,
      NULL,
      { { "dir", 200, WITH_BINDING } },
      "GET dir\n"
      "failed 500, retry 0: The CA requires an external account binding. The server's "
      "administrator must set eab-kid and eab-hmac-key-file in [account] of FILE to the values "
      "that the CA gave, or pass them to acme-register.\n"
      "failed 500, retry 0: The CA requires an external account binding. The server's "
      "administrator must set eab-kid and eab-hmac-key-file in [account] of FILE to the values "
      "that the CA gave, or pass them to acme-register.\n" },
    { "the CA wants a binding, but we no account",
      "",
      KEY,
      NULL,
      { { "dir", 200,
          "{" CA_DIRECTORY ", 'meta': {'externalAccountRequired': true, 'termsOfService': '@t'}}" },
        { "new-account", 400, CA_PROBLEM("accountDoesNotExist") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'onlyReturnExisting': true}\n"
      "failed 500, retry 0, no account: The server has no account at the CA yet. The server's "
      "administrator "
      "must run 'acme-register --register --accept-terms-of-service FILE'.\n"
      "failed 500, retry 0, no account: The server has no account at the CA yet. The server's "
      "administrator "
      "must run 'acme-register --register --accept-terms-of-service FILE'.\n" },
    { "a binding",
      CONSENT "eab-kid = customer\neab-hmac-key = c2VjcmV0LXNlY3JldC1zZWNyZXQ\n",
      KEY,
      NULL,
      { { "dir", 200, WITH_BINDING } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'externalAccountBinding': '…', 'termsOfServiceAgreed': true}\n"
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/1, valid\n" },
    { "a refused binding",
      CONSENT "eab-kid = customer\neab-hmac-key = c2VjcmV0LXNlY3JldC1zZWNyZXQ\n",
      KEY,
      NULL,
      { { "dir", 200, WITH_BINDING }, { "new-account", 403, CA_PROBLEM("unauthorized") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'externalAccountBinding': '…', 'termsOfServiceAgreed': true}\n"
      "failed 500, retry 0, no account: The CA refuses the server's ACME account. The server's "
      "administrator must run 'acme-register CONFIG', which shows the state of the account. The CA "
      "said: "
      "unauthorized: No. The CA may have rejected the external account binding. Check eab-kid and "
      "its HMAC key. " WANTS_CONTACT "\n"
      "failed 500, retry 0, no account: The CA refuses the server's ACME account. The server's "
      "administrator must run 'acme-register CONFIG', which shows the state of the account. The CA "
      "said: "
      "unauthorized: No. The CA may have rejected the external account binding. Check eab-kid and "
      "its HMAC key. " WANTS_CONTACT "\n" },
    { "an interrupted change of the key that the CA has made",
      "",
      KEY | NEW_KEY,
      REGISTERED("valid"),
      { { "new-account", 200, "{'status': 'valid'}", "account/7" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'onlyReturnExisting': true}\n"
      "ready\n"
      "ready\n"
      "the new key\n"
      "registered: https://ca.test/account/7, valid\n" },
    { "an interrupted change of the key that the CA has not made",
      "",
      KEY | NEW_KEY,
      REGISTERED("valid"),
      { { "new-account", 400, CA_PROBLEM("accountDoesNotExist") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'onlyReturnExisting': true}\n"
      "ready\n"
      "ready\n"
      "registered: https://ca.test/account/7, valid\n" },
    { "an interrupted change of the key at another CA",
      "",
      KEY | NEW_KEY,
      ELSEWHERE,
      { { 0 } },
      "failed 500, retry 0: The server cannot use its ACME account: a change of the account key "
      "at another CA was interrupted; set acme-server to that CA again and run acme-register, "
      "which completes "
      "the change.\n"
      "failed 500, retry 0: The server cannot use its ACME account: a change of the account key "
      "at another CA was interrupted; set acme-server to that CA again and run acme-register, "
      "which completes "
      "the change.\n"
      "both keys are kept\n"
      "registered: https://old.test/account/7, deactivated\n" },
    { "an interrupted change of the key, and the CA is away",
      "",
      KEY | NEW_KEY,
      REGISTERED("valid"),
      { { "new-account", 0 } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'onlyReturnExisting': true}\n"
      "failed 503, retry 60: The CA cannot be reached: Connection refused. Try again later. Both "
      "keys are kept until the CA confirms which one is valid.\n"
      "failed 503, retry 60: The CA cannot be reached: Connection refused. Try again later. Both "
      "keys are kept until the CA confirms which one is valid.\n"
      "both keys are kept\n"
      "registered: https://ca.test/account/7, valid\n" },
    { "an interrupted change of the key, and the CA is broken",
      "",
      KEY | NEW_KEY,
      REGISTERED("valid"),
      { { "new-account", 500, CA_PROBLEM("serverInternal") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-account {'onlyReturnExisting': true}\n"
      "failed 503, retry 60: The CA has an internal error. Try again later. The CA said: "
      "serverInternal: No. Both keys are kept until the CA confirms which one is valid.\n"
      "failed 503, retry 60: The CA has an internal error. Try again later. The CA said: "
      "serverInternal: No. Both keys are kept until the CA confirms which one is valid.\n"
      "both keys are kept\n"
      "registered: https://ca.test/account/7, valid\n" },
};

typedef struct Bed {
    char *directory, *files;
    Config *config;
    sd_event *event;
    EVP_PKEY *keys[2];
    Account *account;
} Bed;

static void on_finding(int level, const char *file, unsigned line, const char *text, void *userdata)
{
    (void)level;
    (void)userdata;
    fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

static Config *load_config(const Bed *bed, const char *more)
{
    _cleanup_free_ char *path = test_path(bed->directory, "acmems.ini"), *content = NULL;
    Config *config = NULL;

    ASSERT_TRUE(asprintf(&content,
                         "[account]\nacme-server = %sdir\ndir = %s\n%s[state]\ndirectory = %s\n",
                         CA_URL, bed->files, more, bed->directory) > 0);
    test_write(bed->directory, "acmems.ini", content);
    ASSERT_OK(config_load(path, on_finding, NULL, &config));
    free(config->path); /* the traces show it */
    config->path = strdup("FILE");
    return config;
}

static void write_registration(const Bed *bed, const char *text)
{
    _cleanup_free_ char *content = ca_text(text);

    test_write(bed->files, "registration.json", content);
}

/* The traces do not show its path. */
static const char *account_directory;

static void bed_open(Bed *bed, const Case *c)
{
    *bed = (Bed){ .directory = test_directory_new() };
    bed->files = test_path(bed->directory, "account");
    account_directory = bed->files;
    for (unsigned i = 0; i < 2; i++)
        bed->keys[i] = make_key("P-256");
    if (c->files & KEY)
        ASSERT_OK(account_key_save(bed->files, bed->keys[0], false));
    if (c->files & NEW_KEY)
        ASSERT_OK(account_new_key_save(bed->files, bed->keys[1]));
    if (c->registration)
        write_registration(bed, c->registration);
    bed->config = load_config(bed, c->config);
    ASSERT_TRUE(sd_event_new(&bed->event) >= 0);
    ca = (Ca){ .script = NULL };
    ASSERT_OK(account_new(bed->event, bed->config, bed->config->accounts[0], &bed->account));
    ca_start(c->script);
}

static void bed_close(Bed *bed)
{
    account_unref(bed->account);
    config_unref(bed->config);
    sd_event_unref(bed->event);
    for (unsigned i = 0; i < 2; i++)
        EVP_PKEY_free(bed->keys[i]);
    free(bed->files);
    test_directory_freep(&bed->directory);
}

static void on_account(const Failure *failure, void *userdata)
{
    AccountWaiter **waiter = userdata;

    *waiter = NULL;
    if (failure) {
        const char *path = strstr(failure->reason, account_directory);
        const char *rest = path ? path + strlen(account_directory) : failure->reason;

        trace_add("failed %d, retry %u%s: %.*s%s%s", failure->status, failure->retry_after,
                  failure->is_without_account ? ", no account" : "",
                  path ? (int)(path - failure->reason) : 0, failure->reason,
                  path ? "DIRECTORY" : "", rest);
    } else
        trace_add("ready");
}

static void await(Bed *bed, AccountWaiter **waiter)
{
    ASSERT_OK(account_await(bed->account, on_account, waiter, waiter));
}

/* Which key is in use, and where the account is, on disk. */
static void show_files(const Bed *bed)
{
    json_auto_t *registration = NULL;
    _cleanup_key_ EVP_PKEY *key = NULL;

    if (account_key_load(bed->files, why, &key) < 0)
        return;
    if (EVP_PKEY_eq(key, bed->keys[1]) == 1)
        trace_add("the new key");
    else if (EVP_PKEY_eq(key, bed->keys[0]) != 1)
        trace_add("a key of its own");
    if (account_new_key_exists(bed->files))
        trace_add("both keys are kept");
    if (account_registration_load(bed->files, &registration) >= 0)
        trace_add("registered: %s, %s", str_or(registration_uri(registration), "nowhere"),
                  str_or(registration_status(registration), "?"));
}

static void run(const Case *c)
{
    AccountWaiter *waiters[3] = { NULL };
    Bed bed;

    bed_open(&bed, c);
    for (size_t i = 0; i < ELEMENTSOF(waiters); i++)
        if (i != 1)
            await(&bed, &waiters[i]);
    clock_run(bed.event, NULL, 0);
    ASSERT_TRUE(!waiters[0] && !waiters[2]);
    show_files(&bed);
    trace_assert(c->name, c->seen);
    ca_assert_done(c->name);
    bed_close(&bed);
}

/* A waiter that was cancelled is not called, and does not disturb the others. */
static void test_cancel(void)
{
    static const Case c = { "cancel", CONSENT, KEY };
    AccountWaiter *waiters[3] = { NULL };
    Bed bed;

    bed_open(&bed, &c);
    for (size_t i = 0; i < ELEMENTSOF(waiters); i++)
        await(&bed, &waiters[i]);
    waiters[1] = account_waiter_cancel(waiters[1]);
    clock_run(bed.event, NULL, 0);
    ASSERT_TRUE(!waiters[0] && !waiters[2]);
    trace_assert(c.name, "GET dir\n"
                         "HEAD new-nonce\n"
                         "new-account {'termsOfServiceAgreed': true}\n"
                         "ready\n"
                         "ready\n");
    ca_assert_done(c.name);
    /* The last reference ends everything. */
    bed.account = account_unref(bed.account);
    bed_close(&bed);
}

static void test_cancel_all(void)
{
    static const Case c = { "cancel all", CONSENT, KEY };
    AccountWaiter *waiter = NULL;
    Bed bed;

    bed_open(&bed, &c);
    await(&bed, &waiter);
    bed_close(&bed);
    ASSERT_FALSE(ca.first);
    trace_assert(c.name, "");
}

/* After a failure the next one who needs the account starts over. */
static void test_again(void)
{
    static const Case c = { "again", CONSENT, KEY, NULL, { { "dir", 0 } } };
    AccountWaiter *waiter = NULL;
    Bed bed;

    bed_open(&bed, &c);
    for (int i = 0; i < 3; i++) {
        await(&bed, &waiter);
        clock_run(bed.event, NULL, 0);
    }
    trace_assert(c.name, "GET dir\n"
                         "failed 503, retry 60: The CA cannot be reached: Connection refused" AWAY
                         "GET dir\n"
                         "HEAD new-nonce\n"
                         "new-account {'termsOfServiceAgreed': true}\n"
                         "ready\n"
                         "ready\n");
    ca_assert_done(c.name);
    bed_close(&bed);
}

static AccountBlock changed(const Bed *bed, char *server, char *directory, char *ca_file)
{
    AccountBlock block = *bed->config->accounts[0];

    if (server)
        block.server = server;
    if (directory)
        block.directory = directory;
    block.ca_file = ca_file;
    return block;
}

static bool is_current(const Bed *bed)
{
    return account_is_current(bed->account, bed->config->accounts[0]);
}

static void test_is_current(void)
{
    static const Case c = { "is current", CONSENT, KEY };
    static char server[] = "https://other.test/dir", directory[] = "/nowhere", file[] = "/ca.pem";
    AccountWaiter *waiter = NULL;
    AccountBlock block;
    Bed bed;

    bed_open(&bed, &c);
    ASSERT_TRUE(is_current(&bed)); /* nothing was read yet */
    await(&bed, &waiter);
    ASSERT_TRUE(is_current(&bed));
    clock_run(bed.event, NULL, 0);
    ASSERT_TRUE(is_current(&bed));
    block = changed(&bed, server, NULL, NULL);
    ASSERT_FALSE(account_is_current(bed.account, &block));
    block = changed(&bed, NULL, directory, NULL);
    ASSERT_FALSE(account_is_current(bed.account, &block));
    block = changed(&bed, NULL, NULL, file);
    ASSERT_FALSE(account_is_current(bed.account, &block));
    ASSERT_TRUE(EVP_PKEY_eq(account_key(bed.account), bed.keys[0]) == 1);
    ASSERT_TRUE(account_thumbprint(bed.account) && account_session(bed.account));
    ASSERT_TRUE(account_block(bed.account) == bed.config->accounts[0]);

    /* While the key changes, only the CA knows. */
    ASSERT_OK(account_new_key_save(bed.files, bed.keys[1]));
    ASSERT_FALSE(is_current(&bed));
    ASSERT_OK(account_new_key_remove(bed.files));
    ASSERT_TRUE(is_current(&bed));
    write_registration(&bed, REGISTERED("valid"));
    ASSERT_FALSE(is_current(&bed));
    trace_clear();
    bed_close(&bed);
}

static void test_is_current_after_failure(void)
{
    static const Case c = { "failed", CONSENT, KEY, NULL, { { "dir", 0 } } };
    AccountWaiter *waiter = NULL;
    Bed bed;

    bed_open(&bed, &c);
    await(&bed, &waiter);
    clock_run(bed.event, NULL, 0);
    ASSERT_FALSE(is_current(&bed));
    trace_clear();
    bed_close(&bed);
}

int main(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        run(&cases[i]);
    test_cancel();
    test_cancel_all();
    test_again();
    test_is_current();
    test_is_current_after_failure();
    return EXIT_SUCCESS;
}
