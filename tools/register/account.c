/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "register/account.h"

#include <stdio.h>

#include "libacme/account/account.h"
#include "libacme/account/external-account.h"
#include "libacme/account/refusal.h"
#include "libacme/account/registration.h"
#include "libacme/sync-call.h"
#include "register/command.h"
#include "register/key.h"
#include "register/progress.h"
#include "statedir/account/account-dir.h"
#include "statedir/files/owner.h"
#include "strings/strv.h"
#include "strings/text.h"

static int failed_call(int r, const SyncAnswer *answer)
{
    return progress_failed(r < 0 ? r : -EPROTO,
                           str_or(answer->failure.reason, r < 0 ? strerror(-r) : "?"));
}

int register_initialize(Register *reg)
{
    _cleanup_(sync_answer_done) SyncAnswer answer = { .purpose = "for its directory" };
    SessionCall *call;
    int r;

    progress_begin("Initialize ACME client");
    r = account_open_session(reg->event, reg->account, &reg->session);
    if (r >= 0) {
        session_set_key(reg->session, reg->key);
        r = session_directory(reg->session, sync_callback, &answer, &call);
    }
    if (r >= 0)
        r = sync_wait(reg->event, &answer);
    if (r < 0 || answer.failure.status)
        return failed_call(r, &answer);
    reg->directory = json_incref(answer.json);
    reg->terms = directory_terms(reg->directory);
    progress_done();
    return 0;
}

static bool terms_accepted(const Register *reg)
{
    const AccountBlock *account = reg->account;

    return !reg->terms || reg->options.accept || account->accept_terms_of_service ||
           strv_contains(account->accepted_terms_of_service, reg->terms);
}

static int wait_for_terms(const Register *reg)
{
    _cleanup_free_ char *command =
        terms_accepted(reg) ? NULL : register_command(reg, "--register --accept-terms-of-service");

    progress_wait("not yet");
    if (reg->terms)
        text_print_line(stdout, "You need to accept the terms of service at %s", reg->terms);
    if (command)
        text_print_line(stdout, "To accept them, run '%s'", command);
    return EXIT_TO_DO;
}

static int check_terms(const Register *reg)
{
    if (reg->options.terms && (!reg->terms || !streq(reg->options.terms, reg->terms))) {
        text_print_line(stderr,
                        "acme-register: the terms of service of the CA are at %s, not at %s",
                        str_or(reg->terms, "no URL"), reg->options.terms);
        return -EINVAL;
    }
    return 0;
}

/* Saves the account from an answer of the CA, whatever its status. The body may be empty: what
 * counts is the URL. @contact: see registration_pack(). */
static int keep_account(Register *reg, const SyncAnswer *answer, const json_t *contact,
                        const char *uri)
{
    json_t *registration = NULL;
    int r;

    if (!uri)
        return progress_failed(-EBADMSG, "the answer of the CA is not an account");
    r = registration_pack(reg->key, answer->json, contact, reg->account->server, uri,
                          &registration);
    if (r < 0)
        return progress_failed(r, strerror(-r));
    json_decref(reg->registration);
    reg->registration = registration;
    r = account_registration_save(reg->account->directory, registration);
    if (r < 0)
        return progress_failed_errno(r, "cannot write registration.json", reg->account->directory);
    progress_done();
    return 0;
}

int register_check_status(Register *reg)
{
    const char *status = str_or(registration_status(reg->registration), "valid");
    _cleanup_free_ char *command = NULL;

    if (!registration_uri(reg->registration) || streq(status, "valid"))
        return 0;
    command = register_command(reg, REGISTER_ANEW);
    text_print_line(stderr, "acme-register: the account is %s; create another one with '%s'",
                    status, str_or(command, "acme-register " REGISTER_ANEW));
    return -EKEYREVOKED;
}

/* "unauthorized" has several causes. This one only we can explain. */
static void suspect_deactivation(const Register *reg, Failure *failure)
{
    _cleanup_free_ char *command = NULL, *sentence = NULL;

    if (!failure->problem || !streq(failure->problem, "unauthorized"))
        return;
    command = register_command(reg, REGISTER_ANEW);
    if (command &&
        asprintf(&sentence, "If the account was deactivated, create another one with '%s'.",
                 command) < 0)
        sentence = NULL;
    if (sentence)
        failure_amend(failure, sentence);
}

/* POST to the account (RFC 8555 §7.3.2), or POST-as-GET without a payload. @purpose: see
 * SyncAnswer.
 */
static int post_account(Register *reg, const json_t *payload, const char *purpose)
{
    _cleanup_(sync_answer_done) SyncAnswer answer = { .purpose = purpose, .wants_object = true };
    _cleanup_free_ char *uri = strdup(registration_uri(reg->registration));
    const json_t *changed;
    SessionCall *call;
    int r;

    if (!uri)
        return progress_failed(-ENOMEM, "out of memory");
    r = session_set_account(reg->session, uri);
    if (r >= 0)
        r = session_post(reg->session, &(SessionRequest){ .url = uri, .payload = payload },
                         sync_callback, &answer, &call);
    if (r >= 0)
        r = sync_wait(reg->event, &answer);
    suspect_deactivation(reg, &answer.failure);
    if (r < 0 || answer.failure.status)
        return failed_call(r, &answer);
    changed = json_object_get(payload, "contact");
    r = keep_account(reg, &answer, changed ? changed : registration_contact(reg->registration),
                     uri);
    return r < 0 ? r : register_check_status(reg);
}

static int refresh(Register *reg)
{
    return post_account(reg, NULL, "for the account");
}

/* The command line takes precedence over the configuration. */
static const ExternalAccount *external_account(const Register *reg)
{
    return reg->options.external.kid ? &reg->options.external : &reg->account->external;
}

static int post_new_account(Register *reg, json_t *binding)
{
    const json_t *contact = registration_contact(reg->registration);
    RegistrationRequest request = {
        .contact = contact,
        .binding = binding,
    };
    _cleanup_(sync_answer_done) SyncAnswer answer = { .purpose = "to register the account" };
    SessionCall *call;
    int r;

    r = registration_request(reg->session, &request, sync_callback, &answer, &call);
    if (r >= 0)
        r = sync_wait(reg->event, &answer);
    if (answer.failure.status)
        refusal_explain_registration(&answer.failure, answer.json, external_account(reg), contact);
    if (r < 0 || answer.failure.status)
        return failed_call(r, &answer);
    /* An account that existed is returned unchanged (RFC 8555 §7.3.1). */
    if (answer.status != STATUS_CREATED && !registration_uri(reg->registration))
        contact = NULL;
    r = keep_account(reg, &answer, contact, answer.location);
    return r < 0 ? r : register_check_status(reg);
}

/* @become: owner_become() or owner_become_reader(); as root if @path is NULL. */
static int change_owner(int (*become)(const char *, char **), const char *path)
{
    _cleanup_free_ char *doing = NULL, *why = NULL;
    int r = owner_leave();

    if (r >= 0)
        r = path ? become(path, &doing) : 0;
    if (r >= 0)
        return 0;
    if (!doing || asprintf(&why, "cannot %s: %s", doing, strerror(-r)) < 0)
        why = NULL;
    return progress_failed(r, str_or(why, strerror(-r)));
}

/* Sends newAccount with the terms of service accepted. */
static int new_account(Register *reg)
{
    const ExternalAccount *external = external_account(reg);
    json_auto_t *binding = NULL;
    Failure failure = { 0 };
    int r, back;

    /* Root may have the key file in a place that only root can read. */
    r = change_owner(owner_become_reader, external->hmac_key_file);
    if (r < 0)
        return r;
    r = external_account_bind(external, reg->key, reg->directory, &binding);
    back = change_owner(owner_become, reg->account->directory);
    if (back < 0)
        return back;
    if (r >= 0)
        return post_new_account(reg, binding);
    if (r == -ENOKEY && registration_uri(reg->registration))
        return refresh(reg); /* the account was bound when it was created */
    external_account_explain(&failure, external, reg->config->path, r);
    r = progress_failed(r, str_or(failure.reason, strerror(-r)));
    failure_done(&failure);
    return r;
}

/* Checks that there is an account to change. */
static int require_account(const Register *reg)
{
    return registration_uri(reg->registration) ? 0 : register_fail_without_account(reg);
}

int register_update_contact(Register *reg)
{
    json_auto_t *contact = register_pack_contact(reg);
    int r;

    progress_begin("Update contact");
    if (!contact)
        return progress_failed(-ENOMEM, "out of memory");
    r = require_account(reg);
    return r < 0 ? r : post_account(reg, contact, "to change the contacts of the account");
}

int register_deactivate(Register *reg)
{
    json_auto_t *payload = json_pack("{ss}", "status", "deactivated");
    int r;

    progress_begin("Deactivate account");
    if (!payload)
        return progress_failed(-ENOMEM, "out of memory");
    r = require_account(reg);
    if (r >= 0)
        r = post_account(reg, payload, "to deactivate the account");
    /* "The account is deactivated" is the result that was asked for. */
    if (r == -EKEYREVOKED)
        return EXIT_DONE;
    if (r < 0)
        return r;
    (void)fputs("acme-register: the CA did not deactivate the account\n", stderr);
    return EXIT_TO_DO;
}

int register_account(Register *reg)
{
    bool registered = registration_uri(reg->registration) != NULL;
    int r;

    r = check_terms(reg);
    if (r < 0)
        return r;
    progress_begin("Register");
    /* newAccount must accept the terms (RFC 8555 §7.3). Until the user does, the contacts are kept
     * on disk. */
    if (!registered && (register_contacts(reg) || !reg->registration)) {
        r = register_save_pending(reg);
        if (r < 0)
            return progress_failed_errno(r, "cannot write registration.json",
                                         reg->account->directory);
    }
    if (!registered && !terms_accepted(reg))
        return wait_for_terms(reg);
    /* newAccount returns an existing account unchanged (RFC 8555 §7.3.1), whatever contact the
     * request has. It also creates the account again if the CA has lost it, but it accepts the
     * terms again: an existing account accepted them when it was created. */
    r = terms_accepted(reg) ? new_account(reg) : refresh(reg);
    return r >= 0 && registered && reg->options.contact ? register_update_contact(reg) : r;
}

static int accept_terms(Register *reg)
{
    int r;

    r = check_terms(reg);
    if (r < 0)
        return r;
    if (reg->terms) {
        text_print(stdout, "Accepting ToS at %s ...", reg->terms);
        (void)fflush(stdout);
    } else
        progress_begin("Register");
    return new_account(reg);
}

/* For a key whose registration waits until the terms of service are accepted. */
static int refresh_pending(Register *reg)
{
    if (!reg->registration || reg->elsewhere)
        return register_fail_without_account(reg);
    (void)wait_for_terms(reg);
    return terms_accepted(reg) ? accept_terms(reg) : EXIT_TO_DO;
}

int register_refresh(Register *reg)
{
    int r;

    progress_begin("Refreshing current registration");
    if (!registration_uri(reg->registration))
        return refresh_pending(reg);
    r = refresh(reg);
    return r < 0 ? r : check_terms(reg);
}
