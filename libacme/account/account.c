/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/account/account.h"

#include <stdio.h>
#include <sys/queue.h>

#include "libacme/account/account-files.h"
#include "libacme/account/external-account.h"
#include "libacme/account/refusal.h"
#include "libacme/account/registration.h"
#include "libacme/account/rollover.h"
#include "libacme/transport/problem.h"
#include "log/log.h"
#include "statedir/account/account-dir.h"
#include "strings/strv.h"

typedef enum AccountState {
    ACCOUNT_UNKNOWN, /* not needed yet */
    ACCOUNT_ASKING,
    ACCOUNT_READY,
    ACCOUNT_FAILED,
} AccountState;

struct Account {
    unsigned n_ref;
    AccountState state;
    Config *config;
    const AccountBlock *block; /* of the config */
    Session *session;
    SessionCall *call;
    Rollover *rollover;
    AccountFiles files;
    LIST_HEAD(, AccountWaiter) waiters;
};

struct AccountWaiter {
    Account *account;
    LIST_ENTRY(AccountWaiter) list;
    account_cb callback;
    void *userdata;
};

static bool equal_or_null(const char *a, const char *b)
{
    return a == b || (a && b && streq(a, b));
}

bool account_is_current(const Account *account, const AccountBlock *block)
{
    const AccountBlock *own = account->block;

    if (!streq(own->server, block->server) || !streq(own->directory, block->directory) ||
        !equal_or_null(own->ca_file, block->ca_file) || !equal_or_null(own->proxy, block->proxy))
        return false;
    if (account->state == ACCOUNT_UNKNOWN || account->state == ACCOUNT_ASKING)
        return true;
    /* After a failure, try again with everything that the configuration says now, consent included.
     */
    if (account->state == ACCOUNT_FAILED)
        return false;
    return account_files_are_current(&account->files, block->directory);
}

AccountWaiter *account_waiter_cancel(AccountWaiter *waiter)
{
    if (!waiter)
        return NULL;
    LIST_REMOVE(waiter, list);
    free(waiter);
    return NULL;
}

/* Calls all waiters. After a failure the next account_await() starts over. */
static void account_settle(Account *account, const Failure *failure)
{
    _cleanup_(account_unrefp) Account *hold = account_ref(account);

    hold->state = failure ? ACCOUNT_FAILED : ACCOUNT_READY;
    while (!LIST_EMPTY(&hold->waiters)) {
        AccountWaiter waiter = *LIST_FIRST(&hold->waiters);

        account_waiter_cancel(LIST_FIRST(&hold->waiters));
        waiter.callback(failure, waiter.userdata);
    }
}

/* The CA does not have the account. Its files may name another one by now. */
static void account_settle_without(Account *account, Failure *failure)
{
    failure->is_without_account =
        account_files_are_current(&account->files, account->block->directory);
    account_settle(account, failure);
    failure_done(failure);
}

static void account_fail_because(Account *account, const char *doing, const char *why)
{
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ACCOUNT_UNUSABLE, 500, 0,
                "The server cannot use its ACME account: failed to %s: %s.", doing, why);
    account_settle(account, &failure);
    failure_done(&failure);
}

static void account_fail(Account *account, const char *doing, int error)
{
    account_fail_because(account, doing, strerror(-error));
}

static void fail_unreadable(Account *account, int error)
{
    _cleanup_free_ char *file =
        account_file_describe(account->block->directory, account->files.failed);
    _cleanup_free_ char *doing = NULL;

    if (file && asprintf(&doing, "use %s", file) < 0)
        doing = NULL;
    account_fail_because(account, str_or(doing, "use the files of the account"),
                         *account->files.why ? account->files.why : strerror(-error));
}

static int account_use(Account *account, const char *url)
{
    int r;

    r = session_set_account(account->session, url);
    if (r < 0)
        return r;
    account_settle(account, NULL);
    return 0;
}

/* The option that selects this account in acme-register: "--account=NAME " or "". */
typedef struct Option {
    char text[128];
} Option;

static Option option(const Account *account)
{
    Option option = { "" };

    if (*account->block->name)
        (void)snprintf(option.text, sizeof(option.text), "--account=%.100s ", account->block->name);
    return option;
}

/* @advice: an imperative that ends with a command of acme-register, before its last arguments. */
static char *command(const Account *account, const char *advice)
{
    _cleanup_free_ char *whole = NULL;

    if (asprintf(&whole, "%s %s%s'", advice, option(account).text, account->config->path) < 0) {
        whole = NULL;
        return NULL;
    }
    return failure_advice(whole);
}

static void fail_unregistered(Account *account)
{
    const char *elsewhere = account->files.elsewhere;
    _cleanup_free_ char *advice =
        command(account, "run 'acme-register --register --accept-terms-of-service");
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ACCOUNT_UNUSABLE, 500, 0,
                "The server has no account at the CA yet%s%s%s%s. %s",
                elsewhere ? ": its account is " : "", str_or(elsewhere, ""),
                elsewhere ? ", and acme-server is now " : "",
                elsewhere ? account->block->server : "", str_or(advice, ""));
    account_settle_without(account, &failure);
}

/* @contact: as newAccount had it. An account that existed is returned unchanged (RFC 8555 §7.3.1).
 */
static int account_keep(Account *account, const SessionReply *reply, const json_t *contact)
{
    json_auto_t *registration = NULL;
    int r;

    r = registration_pack(account->files.key, reply->json,
                          reply->status == STATUS_CREATED ? contact : NULL, account->block->server,
                          reply->location, &registration);
    if (r < 0)
        return r;
    r = account_files_register(&account->files, account->block->directory, registration);
    if (r < 0)
        return r;
    log_event(LOG_EVENT_ACCOUNT_REGISTERED, NULL, "Registered at %s as account %s",
              account->block->server, reply->location);
    return account_use(account, reply->location);
}

static void fail_not_valid(Account *account, const char *status)
{
    _cleanup_free_ char *advice = command(
        account,
        "create a new one with 'acme-register --gen-key --override-existing-key --register");
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ACCOUNT_UNUSABLE, 500, 0,
                "The server's account at the CA is %s. %s", status, str_or(advice, ""));
    account_settle_without(account, &failure);
}

/* The contacts to register with: "mailto:" URLs, or NULL if out of memory. */
static json_t *contacts(const Account *account)
{
    const AccountBlock *block = account->block;

    return block->n_contacts > 0
               ? registration_pack_contact(block->contacts)
               : json_incref((json_t *)registration_contact(account->files.registration));
}

static void on_account(const SessionReply *reply, void *userdata)
{
    Account *account = userdata;
    Failure failure = { 0 };
    json_auto_t *contact = contacts(account);
    const char *status = json_string_value(json_object_get(reply->json, "status"));
    int r;

    account->call = NULL;
    if (reply->problem && streq(problem_type(reply->problem), "accountDoesNotExist")) {
        fail_unregistered(account);
        return;
    }
    if (!session_reply_is_good(reply) || !reply->location) {
        failure_set_reply(&failure, reply, "to register the account");
        refusal_explain_registration(&failure, reply->problem, &account->block->external, contact);
        if (failure.problem && streq(failure.problem, "unauthorized"))
            account_settle_without(account, &failure);
        else
            account_settle(account, &failure);
    } else if (status && !streq(status, "valid")) /* some CAs send no more than the Location */
        fail_not_valid(account, status);
    else {
        r = account_keep(account, reply, contact);
        if (r < 0)
            account_fail(account, "write registration.json", r);
    }
    failure_done(&failure);
}

static bool terms_accepted(const AccountBlock *block, const char *terms)
{
    return !terms || block->accept_terms_of_service ||
           strv_contains(block->accepted_terms_of_service, terms);
}

static void account_on_directory(const SessionReply *reply, void *userdata)
{
    Account *account = userdata;
    Failure failure = { 0 };
    const AccountBlock *block = account->block;
    RegistrationRequest request = {
        .only_existing = !terms_accepted(block, directory_terms(reply->json)),
    };
    json_auto_t *binding = NULL, *contact = contacts(account);
    int r = 0;

    account->call = NULL;
    if (reply->error < 0) {
        failure_set_reply(&failure, reply, "for its directory");
        account_settle(account, &failure);
        failure_done(&failure);
        return;
    }
    /* Register only with consent. Without it, the key may still have an account whose
     * registration.json was lost. */
    if (!request.only_existing)
        r = external_account_bind(&block->external, account->files.key, reply->json, &binding);
    if (r < 0) {
        external_account_explain(&failure, &block->external, account->config->path, r);
        account_settle(account, &failure);
        failure_done(&failure);
        return;
    }
    request.binding = binding;
    request.contact = contact;
    r = registration_request(account->session, &request, on_account, account, &account->call);
    if (r < 0)
        account_fail(account, "send the registration request", r);
}

static void fail_without_key(Account *account)
{
    _cleanup_free_ char *advice =
        command(account, "run 'acme-register --gen-key --register --accept-terms-of-service");
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ACCOUNT_UNUSABLE, 500, 0,
                "The server has no ACME account yet. %s", str_or(advice, ""));
    account_settle(account, &failure);
    failure_done(&failure);
}

static void account_open(Account *account)
{
    const char *status;
    int r = account_files_load(&account->files, account->block->directory, account->block->server,
                               account_block_registers(account->block));

    if (r == -ENOENT) {
        fail_without_key(account);
        return;
    }
    if (r < 0) {
        fail_unreadable(account, r);
        return;
    }
    session_set_key(account->session, account->files.key);
    status = str_or(registration_status(account->files.registration), "valid");
    if (!streq(status, "valid")) {
        fail_not_valid(account, status);
        return;
    }
    if (registration_uri(account->files.registration)) {
        r = account_use(account, registration_uri(account->files.registration));
        if (r < 0)
            account_fail(account, "open the account", r);
        return;
    }
    r = session_directory(account->session, account_on_directory, account, &account->call);
    if (r < 0)
        account_fail(account, "request the CA's directory", r);
}

static void on_rollover(const Failure *failure, void *userdata)
{
    Account *account = userdata;

    account->rollover = NULL;
    if (failure) {
        account_settle(account, failure);
        return;
    }
    log_event(LOG_EVENT_ACCOUNT_KEY_SETTLED, NULL,
              "Completed the interrupted change of the account key in '%s'",
              account->block->directory);
    account_open(account);
}

/* To ask this CA would lose the new key, which may be the valid one at the other CA. */
static void fail_in_rollover(Account *account)
{
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ACCOUNT_UNUSABLE, 500, 0,
                "The server cannot use its ACME account: %s.", ROLLOVER_ELSEWHERE);
    account_settle(account, &failure);
    failure_done(&failure);
}

static void account_ask(Account *account)
{
    char why[ACCOUNT_KEY_WHY_SIZE];
    int r;

    account->state = ACCOUNT_ASKING;
    r = rollover_resume(account->session, account->block->directory, why, on_rollover, account,
                        &account->rollover);
    if (r == -EXDEV)
        fail_in_rollover(account);
    else if (r < 0)
        account_fail_because(account, "resume the key change with account.new.pem", why);
    else if (r == 0)
        account_open(account);
}

int account_await(Account *account, account_cb callback, void *userdata, AccountWaiter **ret)
{
    _cleanup_(account_unrefp) _unused_ Account *hold = account_ref(account);
    AccountWaiter *waiter;

    if (account->state == ACCOUNT_READY) {
        *ret = NULL;
        callback(NULL, userdata);
        return 0;
    }
    waiter = calloc(1, sizeof(*waiter));
    if (!waiter)
        return -ENOMEM;
    *waiter = (AccountWaiter){ .account = account, .callback = callback, .userdata = userdata };
    LIST_INSERT_HEAD(&account->waiters, waiter, list);
    *ret = waiter;
    if (account->state != ACCOUNT_ASKING)
        account_ask(account);
    return 0;
}

int account_open_session(sd_event *event, const AccountBlock *block, Session **ret)
{
    const FetchRoute route = { .ca_file = block->ca_file, .proxy = block->proxy };

    return session_new(event, block->server, &route, ret);
}

int account_new(sd_event *event, Config *config, const AccountBlock *block, Account **ret)
{
    _cleanup_(account_unrefp) Account *account = calloc(1, sizeof(*account));
    int r;

    if (!account)
        return -ENOMEM;
    account->n_ref = 1;
    account->config = config_ref(config);
    account->block = block;
    r = account_open_session(event, block, &account->session);
    if (r >= 0)
        r = session_keep_in(account->session, config->state_directory);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(account);
    return 0;
}

Account *account_ref(Account *account)
{
    account->n_ref++;
    return account;
}

Account *account_unref(Account *account)
{
    if (!account || --account->n_ref > 0)
        return NULL;
    session_call_cancel(account->call);
    rollover_cancel(account->rollover);
    while (!LIST_EMPTY(&account->waiters))
        account_waiter_cancel(LIST_FIRST(&account->waiters));
    account_files_done(&account->files);
    session_unref(account->session);
    config_unref(account->config);
    free(account);
    return NULL;
}

void account_suspect_contact(const Account *account, RefusedStep step, const json_t *problem,
                             Failure *failure)
{
    refusal_suspect_contact(failure, step, problem,
                            registration_contact(account->files.registration));
}

const AccountBlock *account_block(const Account *account)
{
    return account->block;
}

Session *account_session(Account *account)
{
    return account->session;
}

EVP_PKEY *account_key(Account *account)
{
    return account->files.key;
}

const char *account_url(Account *account)
{
    return registration_uri(account->files.registration);
}

const char *account_thumbprint(Account *account)
{
    return account->files.thumbprint;
}
