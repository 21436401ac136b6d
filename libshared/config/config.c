/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/config.h"

#include <search.h>
#include <stdarg.h>
#include <stdio.h>

#include "strings/strv.h"

void config_tell(const ConfigListener *listener, int level, const char *file, unsigned line,
                 const char *format, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list arguments;

    if (!listener->message)
        return;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    listener->message(level, file, line, str_or(text, "out of memory"), listener->userdata);
}

int config_compare_blocks(const void *a, const void *b)
{
    return strcmp(((const Block *)a)->name, ((const Block *)b)->name);
}

void *config_find_block(void *const *tree, const char *name)
{
    Block key = { .name = name };
    Block *const *found = tfind(&key, tree, config_compare_blocks);

    return found ? *found : NULL;
}

static void listeners_free(ListenAddress *listeners, size_t n)
{
    for (size_t i = 0; i < n; i++)
        listen_address_done(&listeners[i]);
    free(listeners);
}

static void secret_free(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static void verification_free(Verification *verification)
{
    listeners_free(verification->listeners, verification->n_listeners);
    strv_free(verification->dns_servers);
    strv_free(verification->resolvers);
    free(verification->zone);
    strv_free(verification->alias_zones);
    tsig_key_free(verification->tsig_key);
    free(verification->tsig_key_file);
    free(verification->passthrough);
    free(verification->proxies);
    free(verification->name);
    free(verification);
}

static void storage_free(Storage *storage)
{
    free(storage->directory);
    free(storage->name);
    free(storage);
}

static void account_free(AccountBlock *account)
{
    strv_free(account->accepted_terms_of_service);
    strv_free(account->contacts);
    free(account->server);
    free(account->directory);
    free(account->ca_file);
    free(account->proxy);
    free(account->preferred_chain);
    free(account->profile);
    free(account->external.kid);
    secret_free(account->external.hmac_key);
    free(account->external.hmac_key_file);
    free(account->name);
    free(account);
}

static void auth_free(AuthBlock *auth)
{
    secret_free(auth->hmac_key);
    free(auth->ips);
    free(auth->ip_sans);
    free(auth->accounts);
    free(auth->verifications);
    free(auth->profile);
    strv_free(auth->domains);
    free(auth->name);
    free(auth);
}

static void keep_block(void *block)
{
    (void)block;
}

static void config_free(Config *config)
{
    tdestroy(config->account_names, keep_block);
    tdestroy(config->verification_names, keep_block);
    tdestroy(config->storage_names, keep_block);
    tdestroy(config->auth_names, keep_block);
    for (size_t i = 0; i < config->n_accounts; i++)
        account_free(config->accounts[i]);
    for (size_t i = 0; i < config->n_verifications; i++)
        verification_free(config->verifications[i]);
    for (size_t i = 0; i < config->n_storages; i++)
        storage_free(config->storages[i]);
    for (size_t i = 0; i < config->n_auth; i++)
        auth_free(config->auth[i]);
    free(config->accounts);
    free(config->verifications);
    free(config->default_verifications);
    free(config->storages);
    free(config->auth);
    listeners_free(config->listeners, config->n_listeners);
    free(config->proxies);
    strv_free(config->server_names);
    free(config->state_directory);
    free(config->runtime_directory);
    strv_free(config->files);
    free(config->path);
    free(config);
}

Config *config_ref(Config *config)
{
    config->n_ref++;
    return config;
}

Config *config_unref(Config *config)
{
    if (config && --config->n_ref == 0)
        config_free(config);
    return NULL;
}

bool config_uses_account(const Config *config, const AccountBlock *account)
{
    for (size_t i = 0; i < config->n_auth; i++)
        for (size_t j = 0; j < config->auth[i]->n_accounts; j++)
            if (config->auth[i]->accounts[j] == account)
                return true;
    return false;
}

bool auth_block_uses_ca(const AuthBlock *auth, const char *server)
{
    for (size_t i = 0; server && i < auth->n_accounts; i++)
        if (streq(auth->accounts[i]->server, server))
            return true;
    return !server;
}

bool account_block_registers(const AccountBlock *account)
{
    return account->accept_terms_of_service || account->n_accepted_terms_of_service > 0;
}

const AuthBlock *config_find_auth(const Config *config, const char *name)
{
    return config_find_block(&config->auth_names, name);
}

const Verification *config_find_verification(const Config *config, const char *name)
{
    return config_find_block(&config->verification_names, name);
}

const AccountBlock *config_find_account(const Config *config, const char *name)
{
    return config_find_block(&config->account_names, name);
}

const AccountBlock *config_account_at(const Config *config, const char *server, const char *name)
{
    const AccountBlock *named = name ? config_find_account(config, name) : NULL;

    if (named && streq(named->server, server))
        return named;
    for (size_t i = 0; i < config->n_accounts; i++)
        if (streq(config->accounts[i]->server, server) &&
            (config->accounts[i]->line > 0 || config->n_accounts == 1))
            return config->accounts[i];
    return NULL;
}

const AccountBlock *config_default_account(const Config *config)
{
    if (config->accounts[0]->line > 0 || config->n_accounts == 1)
        return config->accounts[0];
    return config->n_accounts == 2 ? config->accounts[1] : NULL;
}

const char *auth_profile(const AuthBlock *auth, const AccountBlock *account)
{
    return auth->profile && account == auth->accounts[0] ? auth->profile : account->profile;
}
