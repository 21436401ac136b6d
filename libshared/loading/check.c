/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/check.h"

#include <limits.h>
#include <stdio.h>
#include <syslog.h>

#include "loading/passthrough.h"
#include "loading/values/references.h"
#include "strings/strv.h"

/* The directory of named accounts, in the state directory. */
#define ACCOUNTS_DIRECTORY "accounts"

#define ACME_SERVER_DEFAULT "https://acme-staging-v02.api.letsencrypt.org/directory"

static const char *const http01_listeners[] = { "0.0.0.0:1380", "[::]:1380" };
static const char *const mgmt_listeners[] = { "127.0.0.1:1313", "[::1]:1313" };

static int default_listeners(const Loader *l, const char *const addresses[2], ListenAddress **list,
                             size_t *n)
{
    if (l->unread)
        return 0;
    *list = calloc(2, sizeof(**list));
    if (!*list)
        return -ENOMEM;
    for (*n = 0; *n < 2; (*n)++)
        if (listen_address_parse(addresses[*n], &(*list)[*n]) < 0)
            return -ENOMEM;
    return 0;
}

static int set_default(char **string, const char *value)
{
    if (*string || !value)
        return 0;
    *string = strdup(value);
    return *string ? 0 : -ENOMEM;
}

static bool seen(const Loader *l, SectionId section, const char *key)
{
    return config_seen(l, section, key)->file;
}

/* Whether the block has a valid type: 1; 0: it has none, which is reported; -ENOMEM. */
static int check_type(Loader *l)
{
    if (l->type == TYPE_MISSING)
        return refuse_block(l, "%s has no type; write type = … as its first line", config_title(l));
    return l->type >= 0;
}

/* ARCHITECTURE.md, "Who may touch what" */
static int warn_readable(Loader *l, Place key, const char *name)
{
    return config_report(l, LOG_WARNING, key,
                         "acmems-sign, which serves clients, can read %s here; move the key to a "
                         "file in " CONFIG_KEY_DIRECTORY ", and name it with %s-file",
                         name, name);
}

static int check_tsig_key(Loader *l)
{
    const Place *key = config_seen(l, SECTION_VERIFICATION, "tsig-key");
    const Place *file = config_seen(l, SECTION_VERIFICATION, "tsig-key-file");

    if (key->file && file->file)
        return config_report(
            l, LOG_ERR, *file,
            "tsig-key-file conflicts with tsig-key in %s:%u; delete one of the two", key->file,
            key->line);
    return key->file ? warn_readable(l, *key, "tsig-key") : 0;
}

static int check_sign_queries(Loader *l, Verification *verification)
{
    const Place *place = config_seen(l, SECTION_VERIFICATION, "sign-queries");
    bool has_key =
        seen(l, SECTION_VERIFICATION, "tsig-key") || seen(l, SECTION_VERIFICATION, "tsig-key-file");

    if (!place->file)
        verification->sign_queries = has_key;
    if (!verification->sign_queries || has_key)
        return 0;
    return config_report(l, LOG_ERR, *place,
                         "sign-queries = yes needs a key; add tsig-key-file, or delete the line");
}

static int finish_dnsupdate(Loader *l, Verification *verification)
{
    int r;

    if (!seen(l, SECTION_VERIFICATION, "ttl"))
        verification->ttl = 60;
    if (!seen(l, SECTION_VERIFICATION, "timeout"))
        verification->timeout = 5;
    if (!seen(l, SECTION_VERIFICATION, "propagation-timeout"))
        verification->propagation_timeout = 120;
    if (!seen(l, SECTION_VERIFICATION, "dns-server")) {
        r = strv_extend(&verification->dns_servers, "127.0.0.1");
        if (r < 0)
            return r;
        verification->n_dns_servers = 1;
    }
    verification->tsig_key_file_line = config_seen(l, SECTION_VERIFICATION, "tsig-key-file")->line;
    r = check_sign_queries(l, verification);
    return r < 0 ? r : check_tsig_key(l);
}

static int check_external_account(Loader *l, SectionId section)
{
    const Place *kid = config_seen(l, section, "eab-kid");
    const Place *key = config_seen(l, section, "eab-hmac-key");
    const Place *file = config_seen(l, section, "eab-hmac-key-file");

    if (key->file && file->file)
        return config_report(
            l, LOG_ERR, *file,
            "eab-hmac-key-file conflicts with eab-hmac-key in %s:%u; delete one of the two",
            key->file, key->line);
    if (kid->file && !key->file && !file->file)
        return config_report(l, LOG_ERR, *kid,
                             "eab-kid is set without its key; add eab-hmac-key-file");
    if (!kid->file && (key->file || file->file))
        return config_report(l, LOG_ERR, key->file ? *key : *file,
                             "the HMAC key is set without eab-kid; add the key identifier that the "
                             "CA gave you with it");
    return key->file ? warn_readable(l, *key, "eab-hmac-key") : 0;
}

/* The settings of [account] may be in several files. */
static void note_places(const Loader *l, SectionId section, AccountBlock *account)
{
    const struct {
        const char *key;
        Place *place;
    } table[] = {
        { "dir", &account->directory_place },
        { "ca-file", &account->ca_file_place },
        { "eab-hmac-key-file", &account->hmac_key_file_place },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        const Place *place = config_seen(l, section, table[i].key);

        *table[i].place = place->file ? *place : (Place){ account->file, account->line };
    }
}

static int finish_account(Loader *l, SectionId section, AccountBlock *account)
{
    const char *ca_file = getenv("ACME_CAFILE");
    int r = set_default(&account->server, ACME_SERVER_DEFAULT);

    if (r >= 0)
        r = set_default(&account->ca_file, ca_file && *ca_file ? ca_file : NULL);
    if (r < 0)
        return r;
    note_places(l, section, account);
    if (!seen(l, section, "orders-per-3h"))
        account->orders_per_3h = CONFIG_ORDERS_PER_3H_DEFAULT;
    if (!seen(l, section, "duplicate-certificates-per-week"))
        account->duplicate_certificates_per_week = CONFIG_DUPLICATE_CERTIFICATES_PER_WEEK_DEFAULT;
    if (!seen(l, section, "client-share"))
        account->client_share = CONFIG_CLIENT_SHARE_DEFAULT;
    if (!seen(l, section, "auth-share"))
        account->auth_share = CONFIG_AUTH_SHARE_DEFAULT;
    if (!seen(l, section, "renewal-reserve"))
        account->renewal_reserve = CONFIG_RENEWAL_RESERVE_DEFAULT;
    if (!seen(l, section, "order-timeout"))
        account->order_timeout = CONFIG_ORDER_TIMEOUT_DEFAULT;
    return check_external_account(l, section);
}

/* The name of an account without dir = … becomes the name of its directory. */
static bool is_directory_name(const char *name)
{
    return name[0] != '.' && strlen(name) <= NAME_MAX &&
           !name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")];
}

int config_finish_account(Loader *l)
{
    AccountBlock *account = l->object;
    int r = finish_account(l, SECTION_NAMED_ACCOUNT, account);

    if (r < 0 || account->directory || is_directory_name(account->name))
        return r;
    return refuse_block(l,
                        "the name of %s cannot be a directory name; add dir = …, or use a name of "
                        "letters, digits, ., _ and -",
                        config_title(l));
}

int config_finish_verification(Loader *l)
{
    Verification *verification = l->object;
    int r = check_type(l);

    if (r <= 0)
        return r;
    if (l->type == VERIFICATION_DNS01_DNSUPDATE)
        return finish_dnsupdate(l, verification);
    if (l->type != VERIFICATION_HTTP01 || seen(l, SECTION_VERIFICATION, "listener"))
        return 0;
    return default_listeners(l, http01_listeners, &verification->listeners,
                             &verification->n_listeners);
}

int config_finish_storage(Loader *l)
{
    Storage *storage = l->object;
    int r = check_type(l);

    if (r <= 0 || l->type != STORAGE_FILE)
        return r < 0 ? r : 0;
    storage->directory_line = config_seen(l, SECTION_STORAGE, "directory")->line;
    if (!seen(l, SECTION_STORAGE, "renew-within"))
        storage->renew_within = 14;
    if (!seen(l, SECTION_STORAGE, "prefetch-forget"))
        storage->prefetch_forget = 100;
    if (seen(l, SECTION_STORAGE, "directory"))
        return 0;
    return refuse_block(l, "%s has no directory; add one, such as directory = %s/storage",
                        config_title(l), STATE_DIRECTORY_DEFAULT);
}

int config_finish_auth(Loader *l)
{
    bool ip = seen(l, SECTION_AUTH, "ip"), all = seen(l, SECTION_AUTH, "all");
    bool type = seen(l, SECTION_AUTH, "hmac_type"), key = seen(l, SECTION_AUTH, "hmac_key");
    int r = 0;

    if (key && !type)
        r = refuse_block(l, "%s has hmac_key without hmac_type; add hmac_type = sha256",
                         config_title(l));
    else if (type && !key)
        r = refuse_block(l, "%s has hmac_type without hmac_key; add hmac_key", config_title(l));
    else if (!key && seen(l, SECTION_AUTH, "hmac-max-age"))
        r = refuse_block(l,
                         "%s has hmac-max-age without hmac_key; add hmac_type and hmac_key, or "
                         "delete hmac-max-age",
                         config_title(l));
    else if (!ip && !key && !all)
        r = refuse_block(l,
                         "%s does not say which clients may use it; add ip, or hmac_type and "
                         "hmac_key, or all = yes for every client",
                         config_title(l));
    else if (all && (ip || key))
        r = warn_block(l,
                       "%s: all = yes has no effect, because ip and hmac_key must still match; "
                       "delete one or the other",
                       config_title(l));
    if (r < 0 || seen(l, SECTION_AUTH, "domain") || seen(l, SECTION_AUTH, "ip-san"))
        return r;
    return warn_block(l, "%s has neither domain nor ip-san; it permits nothing", config_title(l));
}

/* Copies the list, so that each block owns its own. */
static int set_verifications(const Verification *const *from, size_t n_from,
                             const Verification ***list, size_t *n)
{
    *list = calloc(n_from + 1, sizeof(Verification *));
    if (!*list)
        return -ENOMEM;
    for (*n = 0; *n < n_from; (*n)++)
        (*list)[*n] = from[*n];
    return 0;
}

static int set_default_verification(Config *config, const Verification *verification)
{
    return set_verifications(&verification, 1, &config->default_verifications,
                             &config->n_default_verifications);
}

/* Without default-verification: the only block; else the block named "http"; else an implied block
 * of that name. */
static int default_verification(Loader *l)
{
    Config *config = l->config;
    const Verification *http;
    Verification *implied;
    Block *block;
    int r;

    if (seen(l, SECTION_MGMT, "default-verification"))
        return 0;
    if (config->n_verifications == 1)
        return set_default_verification(config, config->verifications[0]);
    http = config_find_block(&config->verification_names, "http");
    if (http)
        return http->type == VERIFICATION_HTTP01 ? set_default_verification(config, http) : 0;
    r = config_add_block(l, &l->sections[SECTION_VERIFICATION], "http", (Place){ config->path, 0 },
                         &block);
    if (r < 0)
        return r;
    implied = (Verification *)block;
    implied->type = VERIFICATION_HTTP01;
    r = set_default_verification(config, implied);
    if (r < 0)
        return r;
    return default_listeners(l, http01_listeners, &implied->listeners, &implied->n_listeners);
}

/* The same for default-storage, with the name "none". */
static int default_storage(Loader *l)
{
    Config *config = l->config;
    Block *block;
    int r;

    if (seen(l, SECTION_MGMT, "default-storage"))
        return 0;
    if (config->n_storages == 1) {
        config->default_storage = config->storages[0];
        return 0;
    }
    config->default_storage = config_find_block(&config->storage_names, "none");
    if (config->default_storage)
        return 0;
    r = config_add_block(l, &l->sections[SECTION_STORAGE], "none", (Place){ config->path, 0 },
                         &block);
    if (r < 0)
        return r;
    ((Storage *)block)->type = STORAGE_NONE;
    config->default_storage = (const Storage *)block;
    return 0;
}

static int refuse_unusable(Loader *l, const AuthBlock *auth, const char *what)
{
    return config_report(l, LOG_ERR, (Place){ auth->file, auth->line },
                         "[auth \"%.64s\"] permits names but has no %s; add %s = … to it, or "
                         "default-%s = … to [mgmt]",
                         auth->name, what, what, what);
}

static int apply_defaults(Loader *l, bool usable)
{
    const Config *config = l->config;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < config->n_auth; i++) {
        AuthBlock *auth = config->auth[i];

        if (!auth->verifications)
            r = set_verifications(config->default_verifications, config->n_default_verifications,
                                  &auth->verifications, &auth->n_verifications);
        if (r < 0)
            return r;
        if (!auth->storage)
            auth->storage = config->default_storage;
        /* After a reference to a missing block, findings that follow from it would be noise. */
        if (!usable || (!auth->domains && !auth->ip_sans))
            continue;
        if (auth->n_verifications == 0)
            r = refuse_unusable(l, auth, "verification");
        if (r >= 0 && !auth->storage)
            r = refuse_unusable(l, auth, "storage");
    }
    return r;
}

static int default_directory(const Config *config, AccountBlock *account)
{
    int r;

    if (account->directory)
        return 0;
    r = *account->name ? asprintf(&account->directory, "%s/" ACCOUNTS_DIRECTORY "/%s",
                                  config->state_directory, account->name)
                       : asprintf(&account->directory, "%s/account", config->state_directory);
    return r < 0 ? -ENOMEM : 0;
}

static int default_paths(Config *config)
{
    int r;

    r = set_default(&config->state_directory, STATE_DIRECTORY_DEFAULT);
    if (r >= 0)
        r = set_default(&config->runtime_directory, RUNTIME_DIRECTORY_DEFAULT);
    for (size_t i = 0; r >= 0 && i < config->n_accounts; i++)
        r = default_directory(config, config->accounts[i]);
    return r;
}

/* Each account has its own key and registration, so two accounts cannot share a directory. */
static int check_directories(Loader *l)
{
    AccountBlock *const *accounts = l->config->accounts;
    int r = 0;

    for (size_t i = 1; r >= 0 && i < l->config->n_accounts; i++)
        for (size_t j = 0; r >= 0 && j < i; j++)
            if ((j > 0 || accounts[0]->line > 0) &&
                streq(accounts[i]->directory, accounts[j]->directory))
                r = config_report(l, LOG_ERR, (Place){ accounts[i]->file, accounts[i]->line },
                                  "[account \"%.64s\"] uses the directory of another account, "
                                  "'%.80s'; give it its own",
                                  accounts[i]->name, accounts[i]->directory);
    return r;
}

static int default_blocks(Loader *l)
{
    int r = config_resolve(l, true);

    if (r < 0)
        return r;
    r = default_verification(l);
    return r < 0 ? r : default_storage(l);
}

static int default_accounts(Loader *l)
{
    const AccountBlock *account = config_default_account(l->config);
    int r = 0;

    for (size_t i = 0; r >= 0 && i < l->config->n_auth; i++) {
        AuthBlock *auth = l->config->auth[i];

        if (auth->accounts)
            continue;
        if (!account) {
            r = config_report(
                l, LOG_ERR, (Place){ auth->file, auth->line },
                "[auth \"%.64s\"] does not say which account it uses; add account = … to it",
                auth->name);
            continue;
        }
        auth->accounts = calloc(1, sizeof(AccountBlock *));
        if (!auth->accounts)
            return -ENOMEM;
        auth->accounts[auth->n_accounts++] = account;
    }
    return r;
}

/* A replayed request is permitted by the block without an age limit. */
static bool leaves_age_open(const AuthBlock *open, const AuthBlock *limited)
{
    return open->hmac_key && limited->hmac_key && streq(open->hmac_key, limited->hmac_key) &&
           open->hmac_type == limited->hmac_type && open->hmac_max_age == 0 &&
           limited->hmac_max_age > 0;
}

static const AuthBlock *find_limited(const Config *config, const AuthBlock *open)
{
    for (size_t i = 0; i < config->n_auth; i++)
        if (leaves_age_open(open, config->auth[i]))
            return config->auth[i];
    return NULL;
}

static int check_hmac_ages(Loader *l)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < l->config->n_auth; i++) {
        const AuthBlock *open = l->config->auth[i], *limited = find_limited(l->config, open);

        if (limited)
            r = config_report(l, LOG_WARNING, (Place){ open->file, open->line },
                              "[auth \"%.64s\"] has the hmac_key of [auth \"%.64s\"], but no "
                              "hmac-max-age, so it permits old requests; set it here, too, or "
                              "use another key",
                              open->name, limited->name);
    }
    return r;
}

/* Auth blocks may name the implied blocks, so these are made first. */
int config_finish(Loader *l)
{
    Config *config = l->config;
    int r = finish_account(l, SECTION_ACCOUNT, config->accounts[0]);

    if (r >= 0)
        r = default_paths(config);
    if (r >= 0)
        r = check_directories(l);
    if (r >= 0)
        r = default_accounts(l);
    if (r < 0)
        return r;
    if (!seen(l, SECTION_MGMT, "listener")) {
        r = default_listeners(l, mgmt_listeners, &config->listeners, &config->n_listeners);
        if (r < 0)
            return r;
    }
    r = config_check_passthroughs(l);
    if (r >= 0)
        r = check_hmac_ages(l);
    if (r >= 0)
        r = default_blocks(l);
    if (r < 0)
        return r;
    r = config_resolve(l, false);
    return r < 0 ? r : apply_defaults(l, !config_is_unresolved(l));
}
