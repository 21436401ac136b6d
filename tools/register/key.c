/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "register/key.h"

#include "libacme/registration.h"
#include "libacme/rollover.h"
#include "libacme/sync-call.h"
#include "register/progress.h"
#include "statedir/account-dir.h"
#include "strings/strv.h"

#define RSA_BITS_DEFAULT 3072U

json_t *register_pack_contact(const Register *reg)
{
    json_auto_t *list = json_array();

    STRV_FOREACH (url, reg->options.contact)
        if (json_array_append_new(list, json_string(*url)) < 0)
            return NULL;
    return json_pack("{sO}", "contact", list);
}

int register_save_pending(Register *reg)
{
    json_auto_t *account = register_pack_contact(reg);
    json_t *registration = NULL;
    int r;

    if (!account)
        return -ENOMEM;
    r = registration_pack(reg->key, account, NULL, &registration);
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

/* A rollover that was cut off is of the account that is given up here. */
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
    EVP_PKEY *existing = NULL;
    int r;

    progress_begin("Generate private key");
    if (account_key_is_credential())
        return progress_failed(-EROFS,
                               "the key is handed over as a credential: make a new one there");
    r = account_key_load(directory, &existing);
    EVP_PKEY_free(existing);
    if (r != -ENOENT && !override)
        return progress_failed_errno(
            -EEXIST, "the key is kept (--override-existing-key replaces it)", directory);

    r = make_key(&reg->options, &reg->key);
    /* In this order: whatever happens in between, no new key stands beside an old key's account. */
    if (r >= 0)
        r = register_save_pending(reg);
    if (r >= 0)
        r = discard_new_key(directory);
    if (r >= 0)
        r = account_key_save(directory, reg->key, override);
    if (r < 0)
        return progress_failed_errno(r, "the key cannot be written", directory);
    progress_done();
    return 0;
}

static int load(Register *reg)
{
    const char *directory = reg->account->directory;
    int r;

    EVP_PKEY_free(reg->key);
    reg->key = NULL;
    json_decref(reg->registration);
    reg->registration = NULL;
    r = account_key_load(directory, &reg->key);
    if (r == -ENOENT)
        return progress_failed_errno(r, "there is no account.pem (--gen-key makes it)", directory);
    if (r < 0)
        return progress_failed_errno(r, "account.pem cannot be used", directory);
    r = account_registration_load(directory, &reg->registration);
    if (r < 0 && r != -ENOENT)
        return progress_failed_errno(r, "registration.json cannot be used", directory);
    return 0;
}

int register_load_key(Register *reg)
{
    int r;

    progress_begin("Load private key");
    r = load(reg);
    if (r < 0)
        return r;
    progress_done();
    return 0;
}

/* Waits for a rollover, and takes up what it has left on disk. */
static int see_through(Register *reg, SyncAnswer *answer)
{
    int r = sync_wait(reg->event, answer);

    if (r < 0)
        return progress_failed(r, strerror(-r));
    if (answer->failure.status)
        return progress_failed(-EPROTO, str_or(answer->failure.reason, "out of memory"));
    r = load(reg);
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
    Rollover *rollover;
    int r;

    if (!account_new_key_exists(directory))
        return 0;
    progress_begin("See the key rollover through that was cut off");
    r = rollover_resume(reg->session, directory, sync_settle, &answer, &rollover);
    if (r < 0)
        return progress_failed_errno(r, "account.new.pem cannot be used", directory);
    answer.arrived = r == 0;
    return see_through(reg, &answer);
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
        return progress_failed(
            -EROFS, "the key is handed over as a credential: it cannot be replaced here");
    if (!plan.account)
        return progress_failed(-ENOENT, "the key is not registered yet: --register does it");
    if (!plan.url)
        return progress_failed(-EOPNOTSUPP, "the CA has no way to change a key");
    r = session_set_account(reg->session, plan.account);
    if (r >= 0)
        r = rollover_start(reg->session, reg->account->directory, &plan, sync_settle, answer,
                           &rollover);
    if (r == -EBUSY)
        return progress_failed(r, "another program is changing the key: try again");
    if (r < 0)
        return progress_failed_errno(r, "the new key cannot be written", reg->account->directory);
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
        return progress_failed(r, "no key can be made");
    r = start_rollover(reg, new, &answer);
    EVP_PKEY_free(new);
    return r < 0 ? r : see_through(reg, &answer);
}
