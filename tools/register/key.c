/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "register/key.h"

#include <stdio.h>

#include "libacme/account/registration.h"
#include "libacme/account/rollover.h"
#include "libacme/sync-call.h"
#include "register/command.h"
#include "register/progress.h"
#include "statedir/account/account-dir.h"
#include "strings/strv.h"

#define RSA_BITS_DEFAULT 3072U

char *const *register_contacts(const Register *reg)
{
    return reg->options.contact ? reg->options.contact : reg->account->contacts;
}

json_t *register_pack_contact(const Register *reg)
{
    json_auto_t *list = registration_pack_contact(register_contacts(reg));

    return list ? json_pack("{sO}", "contact", list) : NULL;
}

int register_save_pending(Register *reg)
{
    json_auto_t *account = register_pack_contact(reg);
    json_t *registration = NULL;
    int r;

    if (!account)
        return -ENOMEM;
    r = registration_pack(reg->key, account, NULL, NULL, NULL, &registration);
    if (r < 0)
        return r;
    json_decref(reg->registration);
    reg->registration = registration;
    return account_registration_save(reg->account->directory, registration);
}

static int make_key(const RegisterOptions *options, EVP_PKEY **ret)
{
    const KeyType *type = options->key_type;

    if (options->key_size || (type && !type->group))
        return account_key_generate_rsa(options->key_size ? options->key_size : RSA_BITS_DEFAULT,
                                        ret);
    return account_key_generate_ec(type ? type->group : ACCOUNT_EC_DEFAULT, ret);
}

/* The new key of an interrupted rollover belongs to the account that is abandoned here. */
static int discard_new_key(const char *directory)
{
    _cleanup_close_ int lock = -EBADF;

    if (!account_new_key_exists(directory))
        return 0;
    lock = account_dir_lock(directory);
    return lock < 0 ? lock : account_new_key_remove(directory);
}

int register_generate_key(Register *reg)
{
    const char *directory = reg->account->directory;
    bool override = reg->options.override_key;
    char why[ACCOUNT_KEY_WHY_SIZE];
    EVP_PKEY *existing = NULL;
    int r;

    progress_begin("Generate private key");
    if (account_key_is_credential())
        return progress_failed(-EROFS, "the key is a systemd credential; create a new one there");
    r = account_key_load(directory, why, &existing);
    EVP_PKEY_free(existing);
    if (r != -ENOENT && !override)
        return progress_failed_errno(
            -EEXIST, "the existing key is kept (replace it with --override-existing-key)",
            directory);

    r = make_key(&reg->options, &reg->key);
    /* The order matters: a crash in between never leaves a new key beside the account of an old
     * key. */
    if (r >= 0)
        r = register_save_pending(reg);
    if (r >= 0)
        r = discard_new_key(directory);
    if (r >= 0)
        r = account_key_save(directory, reg->key, override);
    if (r < 0)
        return progress_failed_errno(r, "cannot write the key", directory);
    progress_done();
    return 0;
}

int register_fail_without_account(const Register *reg)
{
    _cleanup_free_ char *command = register_command(reg, "--register --accept-terms-of-service");

    return progress_failed_without_account(reg->elsewhere, reg->account->server, command);
}

/* There is no key. */
static int fail_without_key(const Register *reg)
{
    _cleanup_free_ char *command =
        register_command(reg, "--gen-key --register --accept-terms-of-service");
    _cleanup_free_ char *what = NULL;

    if (command && asprintf(&what, "there is no account.pem (create it with '%s')", command) < 0)
        what = NULL;
    return progress_failed_errno(-ENOENT, str_or(what, "there is no account.pem"),
                                 reg->account->directory);
}

static int load_account(Register *reg)
{
    const char *directory = reg->account->directory;
    char why[ACCOUNT_KEY_WHY_SIZE];
    int r;

    EVP_PKEY_free(reg->key);
    reg->key = NULL;
    json_decref(reg->registration);
    reg->registration = NULL;
    r = account_key_load(directory, why, &reg->key);
    if (r == -ENOENT)
        return fail_without_key(reg);
    if (r < 0)
        return progress_failed_file(r, directory, ACCOUNT_KEY_FILE, why);
    r = account_registration_load(directory, &reg->registration);
    if (r < 0 && r != -ENOENT)
        return progress_failed_file(r, directory, ACCOUNT_REGISTRATION_FILE,
                                    account_registration_words(r));
    free(reg->elsewhere);
    r = registration_leave(reg->registration, reg->account->server, &reg->elsewhere);
    return r < 0 ? progress_failed(r, strerror(-r)) : 0;
}

int register_load_key(Register *reg)
{
    int r;

    progress_begin("Load private key");
    r = load_account(reg);
    if (r < 0)
        return r;
    progress_done();
    return 0;
}

/* Waits until a rollover ends, and loads the result from disk. */
static int finish_rollover(Register *reg, SyncAnswer *answer)
{
    int r = sync_wait(reg->event, answer);

    if (r < 0)
        return progress_failed(r, strerror(-r));
    if (answer->failure.status)
        return progress_failed(-EPROTO, str_or(answer->failure.reason, "out of memory"));
    r = load_account(reg);
    if (r < 0)
        return r;
    session_set_key(reg->session, reg->key);
    progress_done();
    return 0;
}

int register_resume_rollover(Register *reg)
{
    _cleanup_(sync_answer_done) SyncAnswer answer = { 0 };
    const char *directory = reg->account->directory;
    char why[ACCOUNT_KEY_WHY_SIZE];
    Rollover *rollover;
    int r;

    if (!account_new_key_exists(directory))
        return 0;
    progress_begin("Finish the interrupted key rollover");
    r = rollover_resume(reg->session, directory, why, sync_settle, &answer, &rollover);
    if (r == -EXDEV)
        return progress_failed(r, ROLLOVER_ELSEWHERE);
    if (r < 0)
        return progress_failed_file(r, directory, ACCOUNT_NEW_KEY_FILE, why);
    answer.arrived = r == 0;
    return finish_rollover(reg, &answer);
}

static int start_rollover(Register *reg, EVP_PKEY *new, SyncAnswer *answer)
{
    RolloverPlan plan = {
        .old = reg->key,
        .new = new,
        .account = registration_uri(reg->registration),
        .url = session_url(reg->directory, "keyChange"),
    };
    Rollover *rollover;
    int r;

    if (account_key_is_credential())
        return progress_failed(-EROFS,
                               "the key is a systemd credential; it cannot be replaced here");
    if (!plan.account)
        return register_fail_without_account(reg);
    if (!plan.url)
        return progress_failed(
            -EOPNOTSUPP,
            "the CA does not offer key rollover (no https URL for keyChange in its directory); the "
            "old key stays in use");
    r = session_set_account(reg->session, plan.account);
    if (r >= 0)
        r = rollover_start(reg->session, reg->account->directory, &plan, sync_settle, answer,
                           &rollover);
    if (r == -EBUSY)
        return progress_failed(r, "another program is replacing the key; try again later");
    if (r < 0)
        return progress_failed_errno(r, "cannot write the new key", reg->account->directory);
    return 0;
}

int register_rollover_key(Register *reg)
{
    _cleanup_(sync_answer_done) SyncAnswer answer = { 0 };
    EVP_PKEY *new = NULL;
    int r;

    progress_begin("Replace private key");
    r = make_key(&reg->options, &new);
    if (r < 0)
        return progress_failed(r, "cannot generate a key");
    r = start_rollover(reg, new, &answer);
    EVP_PKEY_free(new);
    return r < 0 ? r : finish_rollover(reg, &answer);
}
