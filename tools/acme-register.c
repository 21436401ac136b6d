/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acme-register: creates the account key, registers it with the CA and maintains the account. */

#include <stdio.h>

#include "base/confinement.h"
#include "libacme/failure.h"
#include "log/log.h"
#include "register/account.h"
#include "register/key.h"
#include "register/show.h"
#include "statedir/files/owner.h"
#include "strings/text.h"

static int (*const actions[ACTION_MAX])(Register *reg) = {
    [ACTION_REFRESH] = register_refresh,
    [ACTION_REGISTER] = register_account,
    [ACTION_ROLLOVER_KEY] = register_rollover_key,
    [ACTION_UPDATE_CONTACT] = register_update_contact,
    [ACTION_DEACTIVATE] = register_deactivate,
    [ACTION_SHOW] = register_show,
};

static void register_done(Register *reg)
{
    session_unref(reg->session);
    config_file_free(reg->config_file);
    EVP_PKEY_free(reg->key);
    json_decref(reg->registration);
    free(reg->elsewhere);
    json_decref(reg->directory);
    sd_event_unref(reg->event);
    register_options_done(&reg->options);
}

/* NULL: no account can be chosen; the reason was printed. */
static const AccountBlock *choose_account(const Config *config, const char *name)
{
    const AccountBlock *account =
        name ? config_find_account(config, name) : config_default_account(config);

    if (!account && name)
        text_print_line(stderr, "acme-register: %s has no [account \"%s\"] section", config->path,
                        name);
    else if (!account)
        text_print_line(stderr,
                        "acme-register: %s has several accounts: choose one with --account=NAME",
                        config->path);
    return account;
}

/* Everything that the action needs from the CA before it begins. */
static int prepare(Register *reg)
{
    int r = 0;

    if (reg->options.action != ACTION_SHOW) /* it asks the CA, whatever the file says */
        r = register_check_status(reg);
    if (r >= 0)
        r = register_initialize(reg);
    return r < 0 ? r : register_resume_rollover(reg);
}

static int register_run(Register *reg)
{
    _cleanup_free_ char *doing = NULL;
    int r;

    r = config_file_open(reg->options.config, &reg->config_file);
    if (r < 0)
        return r;
    reg->config = config_file_get(reg->config_file);
    reg->account = choose_account(reg->config, reg->options.account);
    if (!reg->account)
        return -EINVAL;
    failure_name_account(reg->account->name);
    r = owner_become(reg->account->directory, &doing);
    if (r < 0)
        return log_error_errno(r, "Failed to %s: %m", str_or(doing, "become the owner"));
    r = sd_event_default(&reg->event);
    if (r < 0)
        return log_error_errno(r, "Failed to create the event loop: %m");

    r = reg->options.gen_key ? register_generate_key(reg) : register_load_key(reg);
    if (r < 0)
        return r;
    r = prepare(reg);
    if (r < 0 && reg->options.action == ACTION_SHOW)
        register_print(reg, false);
    return r < 0 ? r : actions[reg->options.action](reg);
}

int main(int argc, char *argv[])
{
    _cleanup_(register_done) Register reg = { 0 };
    int r;

    confine_memory();
    failure_speak_to_administrator();
    log_open("acme-register");
    r = register_options_parse(argc, argv, &reg.options);
    if (r <= 0)
        return r < 0 ? EXIT_USAGE : EXIT_DONE;
    failure_name_config(reg.options.config);
    r = register_run(&reg);
    (void)owner_leave(); /* for the leak checker of a build with sanitizers */
    return r == EXIT_DONE ? EXIT_DONE : EXIT_TO_DO;
}
