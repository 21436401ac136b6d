/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmemsctl revoke: revokes a certificate at the CA and removes it from the caches. */

#include <fcntl.h>
#include <stdio.h>

#include "base/io.h"
#include "ctl/certificates.h"
#include "ctl/ctl.h"
#include "libacme/account/account.h"
#include "libacme/account/registration.h"
#include "libacme/revocation.h"
#include "libacme/sync-call.h"
#include "loading/file.h"
#include "log/log.h"
#include "statedir/account/account-dir.h"
#include "statedir/files/owner.h"
#include "statedir/order-record.h"
#include "statedir/revoked-key.h"
#include "statedir/storage/meta.h"
#include "strings/strv.h"
#include "strings/text.h"
#include "x509/chain-fields.h"
#include "x509/pem.h"

DEFINE_CLEANUP_FUNC(EVP_PKEY *, EVP_PKEY_free)

/* The size of a request cannot exceed the largest max-size. */
#define FILE_SIZE_MAX     ((size_t)16 * 1024 * 1024)
#define SERIAL_LENGTH_MAX 128U

#define REMOVED "It was removed from the cache. The next POST of its CSR orders a new certificate."

typedef struct Revoke {
    ConfigFile *config_file;
    const Config *config;
    const AccountBlock *account; /* revokes the certificate */
    char *issuer;                /* URL of the CA that issued it, if a cache names one; or NULL */
    sd_event *event;
    Session *session;
    Chain *chain;                       /* of the certificate to revoke */
    bool is_compromised;                /* the key of the certificate */
    size_t n_removed, n_removed_others; /* cache entries with the certificate; with its key */
} Revoke;

static void revoke_done(Revoke *revoke)
{
    chain_free(revoke->chain);
    free(revoke->issuer);
    session_unref(revoke->session);
    sd_event_unref(revoke->event);
    config_file_free(revoke->config_file);
}

static int failed(const char *what, const char *why)
{
    text_print_line(stderr, "acmemsctl: %s: %s", what, why);
    return CTL_BAD;
}

static const char *without_zeros(const char *hex)
{
    return hex + strspn(hex, "0");
}

typedef struct SerialSearch {
    const char *serial; /* lower-case hexadecimal digits */
    Chain *found;
} SerialSearch;

static int take_if_serial(const Storage *storage, const char *key, Chain **chain, void *userdata)
{
    _cleanup_free_ char *serial = chain_serial(*chain);
    SerialSearch *search = userdata;

    (void)storage;
    (void)key;
    if (!serial)
        return -ENOMEM;
    if (!search->found && streq(without_zeros(serial), without_zeros(search->serial)))
        search->found = TAKE_PTR(*chain);
    return 0;
}

static EVP_PKEY *leaf_key(const Chain *chain)
{
    return X509_get0_pubkey(chain_leaf(chain));
}

/* Two requests of one key have two entries: whatever is wrong with the key is wrong with both. */
static int remove_if_same(const Storage *storage, const char *key, Chain **chain, void *userdata)
{
    Revoke *revoke = userdata;
    bool is_same = X509_cmp(chain_leaf(*chain), chain_leaf(revoke->chain)) == 0;
    int r;

    if (!is_same && EVP_PKEY_eq(leaf_key(*chain), leaf_key(revoke->chain)) != 1)
        return 0;
    r = storage ? storage_drop(storage, key)
                : order_record_remove(revoke->config->state_directory, key);
    if (r < 0)
        return r;
    (*(is_same ? &revoke->n_removed : &revoke->n_removed_others))++;
    return 0;
}

/* Reads hexadecimal digits as openssl(1) and browsers print them: in either case, with or without
 * colons. */
static bool parse_serial(const char *text, char serial[SERIAL_LENGTH_MAX])
{
    size_t n = 0;

    for (; *text; text++) {
        if (*text == ':')
            continue;
        if (!strchr("0123456789abcdefABCDEF", *text) || n == SERIAL_LENGTH_MAX - 1)
            return false;
        serial[n++] = (char)(*text >= 'A' && *text <= 'F' ? *text - 'A' + 'a' : *text);
    }
    serial[n] = '\0';
    return n > 0;
}

static int find_serial(Revoke *revoke, const char *text)
{
    char serial[SERIAL_LENGTH_MAX];
    SerialSearch search = { .serial = serial };
    int r;

    if (!parse_serial(text, serial))
        return failed(text, "this is neither a file nor a serial number");
    r = certificates_foreach(revoke->config, take_if_serial, &search);
    revoke->chain = search.found;
    if (r < 0)
        return failed(text, strerror(-r));
    return revoke->chain ? CTL_GOOD
                         : failed(text, "no cache has a certificate with this serial number");
}

static int find_request(Revoke *revoke, const char *path, const char *body, size_t size)
{
    char key[STORAGE_KEY_SIZE];
    const char *why = NULL;
    int r;

    r = storage_key(body, size, key);
    if (r < 0)
        return failed(path, strerror(-r));
    r = certificates_load(revoke->config, key, &revoke->chain, &why);
    if (r == STORAGE_MISS)
        return failed(path, "no cache has a certificate for exactly this request");
    if (r != STORAGE_HIT)
        return failed(path, r < 0 ? strerror(-r) : why);
    return CTL_GOOD;
}

static bool is_request(const char *text, size_t size)
{
    PemBlock block;

    return pem_next(&text, &size, &block) > 0 && (pem_block_is(&block, "CERTIFICATE REQUEST") ||
                                                  pem_block_is(&block, "NEW CERTIFICATE REQUEST"));
}

/* acmems-orderd is the owner of all of them. */
static bool become_owner(const Config *config)
{
    bool is_owner = ctl_become_owner(config->state_directory);

    for (size_t i = 0; is_owner && i < config->n_accounts; i++)
        is_owner = ctl_become_owner(config->accounts[i]->directory);
    for (size_t i = 0; is_owner && i < config->n_storages; i++)
        if (config->storages[i]->directory)
            is_owner = ctl_become_owner(config->storages[i]->directory);
    return is_owner;
}

static int find_certificate(Revoke *revoke, const char *what)
{
    _cleanup_free_ char *text = NULL;
    const char *why;
    size_t size;
    _cleanup_free_ char *doing = NULL;
    int r = owner_become_reader(what, &doing); /* the file may be in the cache */

    if (r < 0)
        return failed(what, strerror(-r));
    r = read_file_at(AT_FDCWD, what, FILE_SIZE_MAX, &text, &size);
    if (owner_leave() < 0 || !become_owner(revoke->config))
        return CTL_BAD;
    if (r == -ENOENT)
        return find_serial(revoke, what);
    if (r < 0)
        return failed(what, strerror(-r));
    if (is_request(text, size))
        return find_request(revoke, what, text, size);
    r = chain_parse(text, size, &revoke->chain, &why);
    if (r == -EBADMSG)
        return failed(what, why);
    return r < 0 ? failed(what, strerror(-r)) : CTL_GOOD;
}

static int failed_with(const AccountBlock *account, const char *name, const char *why)
{
    _cleanup_free_ char *file = account_file_describe(account->directory, name);

    return failed(str_or(file, name), why);
}

/* @elsewhere: URL of the account that there is at another CA, or NULL. */
static int fail_without_account(const AccountBlock *account, const char *elsewhere)
{
    _cleanup_free_ char *advice = failure_advice(
        "register one there with 'acme-register --register --accept-terms-of-service CONFIG'");
    _cleanup_free_ char *why = NULL;

    if (asprintf(&why, "%s %s. %s",
                 elsewhere ? "this account is at another CA than" : "there is no account at",
                 account->server, str_or(advice, "")) < 0)
        why = NULL;
    return failed(str_or(elsewhere, account->directory), str_or(why, "out of memory"));
}

/* Opens the session that sends the request, with the key of the account. */
static int open_session(Revoke *revoke)
{
    const AccountBlock *account = revoke->account;
    _cleanup_free_ char *elsewhere = NULL;
    json_auto_t *registration = NULL;
    char why[ACCOUNT_KEY_WHY_SIZE];
    _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    int r = account_key_load(account->directory, why, &key);

    if (r < 0 && r != -ENOENT)
        return failed_with(account, ACCOUNT_KEY_FILE, why);
    if (r >= 0)
        r = account_registration_load(account->directory, &registration);
    if (r < 0 && r != -ENOENT)
        return failed_with(account, ACCOUNT_REGISTRATION_FILE, account_registration_words(r));
    if (r >= 0)
        r = registration_leave(registration, account->server, &elsewhere);
    if (r >= 0 && !registration_uri(registration))
        r = -ENOENT;
    if (r >= 0)
        r = sd_event_default(&revoke->event);
    if (r >= 0)
        r = account_open_session(revoke->event, account, &revoke->session);
    if (r >= 0) {
        session_set_key(revoke->session, key);
        r = session_set_account(revoke->session, registration_uri(registration));
    }
    if (elsewhere || r == -ENOENT)
        return fail_without_account(account, elsewhere);
    return r < 0 ? failed(account->directory, strerror(-r)) : CTL_GOOD;
}

/* For the journal. The user sees the output of the command. */
static void log_revoked(const Revoke *revoke, const char *reason)
{
    _cleanup_log_fields_ LogFields fields = { 0 };
    _cleanup_strv_ char **names = chain_names(revoke->chain);
    _cleanup_free_ char *joined = names ? strv_join(names, " ") : NULL;

    chain_add_fields(revoke->chain, &fields);
    log_fields_add_all(&fields, LOG_FIELD_NAME, names);
    log_fields_add(&fields, LOG_FIELD_REASON, reason);
    log_to_journal();
    log_event(LOG_EVENT_CERTIFICATE_REVOKED, &fields, "Certificate revoked for %s: serial %s%s%s",
              str_or(joined, "no name"), str_or(log_fields_get(&fields, LOG_FIELD_SERIAL), "?"),
              reason ? ", reason " : "", str_or(reason, ""));
}

/* Before the CA is asked: whatever the CA answers, the key must not be used any more. */
static int remember_key(const Revoke *revoke)
{
    const char *state = revoke->config->state_directory;
    _cleanup_free_ char *serial = chain_serial(revoke->chain);
    int r = serial ? revoked_key_save(state, leaf_key(revoke->chain), serial, time(NULL)) : -ENOMEM;

    if (r < 0)
        return failed(state, strerror(-r));
    puts("acmems refuses every request with this key from now on.");
    return CTL_GOOD;
}

/* Sends revokeCert (RFC 8555 §7.6). @name: of the reason, or NULL. */
static int send_revocation(Revoke *revoke, int reason, const char *name)
{
    _cleanup_(sync_answer_done) SyncAnswer answer = {
        .purpose = "to revoke the certificate",
        .lacking = "The CA does not offer revocation (no https URL for revokeCert in its "
                   "directory).",
    };
    _cleanup_free_ char *serial = chain_serial(revoke->chain);
    SessionCall *call;
    int r;

    r = revocation_request(revoke->session, chain_leaf(revoke->chain), reason, sync_callback,
                           &answer, &call);
    if (r >= 0)
        r = sync_wait(revoke->event, &answer);
    if (r < 0)
        return failed("revocation", strerror(-r));
    revocation_explain(&answer.failure, answer.json);
    if (!answer.failure.status) {
        text_print_line(stdout, "The CA revoked certificate %s.", str_or(serial, "?"));
        log_revoked(revoke, name);
    } else if (answer.failure.problem && streq(answer.failure.problem, "alreadyRevoked"))
        text_print_line(stdout, "Certificate %s is already revoked.", str_or(serial, "?"));
    else
        return failed("revocation", str_or(answer.failure.reason, "out of memory"));
    return CTL_GOOD;
}

static int remove_from_caches(Revoke *revoke)
{
    int r = certificates_foreach(revoke->config, remove_if_same, revoke);

    if (r < 0)
        return failed("cannot remove the certificate from the cache", strerror(-r));
    if (revoke->n_removed == 0)
        puts("It is in no cache.");
    else
        puts(revoke->is_compromised ? "It was removed from the cache." : REMOVED);
    if (revoke->n_removed_others > 0)
        printf("Other certificates with its key that were removed from the cache: %zu.\n",
               revoke->n_removed_others);
    return CTL_GOOD;
}

/* meta.json may name the CA and the account that issued the certificate. */
static int take_account_if_same(const Storage *storage, const char *key, Chain **chain,
                                void *userdata)
{
    Revoke *revoke = userdata;
    const Config *config = revoke->config;
    StorageMeta meta;
    int r;

    if (!storage || X509_cmp(chain_leaf(*chain), chain_leaf(revoke->chain)) != 0)
        return 0;
    r = storage_meta_load(storage, key, *chain, &meta);
    if (r < 0)
        return r;
    if (meta.server && !revoke->issuer) {
        revoke->account = config_account_at(config, meta.server, meta.account);
        revoke->issuer = TAKE_PTR(meta.server);
    }
    storage_meta_done(&meta);
    return 0;
}

static int choose_account(Revoke *revoke, const char *name)
{
    const Config *config = revoke->config;
    int r = name ? 0 : certificates_foreach(config, take_account_if_same, revoke);

    if (r < 0)
        return failed(config->path, strerror(-r));
    if (revoke->issuer && !revoke->account)
        return failed(revoke->issuer,
                      "this CA issued the certificate, but it is the acme-server of "
                      "no account; add an [account \"NAME\"] section for it");
    if (!revoke->account)
        revoke->account = name ? config_find_account(config, name) : config_default_account(config);
    if (revoke->account)
        return CTL_GOOD;
    return name
               ? failed(name, "the configuration has no account with this name")
               : failed(config->path, "there are several accounts; choose one with --account=NAME");
}

static int parse_reason(const char *name, int *ret)
{
    int code = name ? revocation_reason_from_string(name) : REVOCATION_NO_REASON;
    _cleanup_free_ char *all = NULL;

    *ret = code;
    if (!name || code >= 0)
        return CTL_GOOD;
    all = revocation_reasons();
    return ctl_usage("--reason must be one of ", str_or(all, "?"));
}

int ctl_revoke(char *const *arguments, const CtlOptions *options)
{
    _cleanup_(revoke_done) Revoke revoke = { 0 };
    char path[PATH_MAX];
    int reason, r;

    if (!arguments[0] || arguments[1])
        return ctl_usage("revoke takes one certificate, CSR or serial number", "");
    r = parse_reason(options->reason, &reason);
    if (r != CTL_GOOD)
        return r;
    revoke.is_compromised = reason == REVOCATION_KEY_COMPROMISE;
    log_open("acmemsctl");
    if (config_file_open(str_or(options->config, config_file_default(path)), &revoke.config_file) <
        0)
        return CTL_BAD;
    revoke.config = config_file_get(revoke.config_file);
    r = find_certificate(&revoke, arguments[0]);
    /* First: the key is compromised even if the CA cannot be told. */
    if (r == CTL_GOOD && revoke.is_compromised)
        r = remember_key(&revoke);
    if (r == CTL_GOOD)
        r = choose_account(&revoke, options->account);
    if (r == CTL_GOOD) {
        failure_name_config(revoke.config->path);
        failure_name_account(revoke.account->name);
        r = open_session(&revoke);
    }
    if (r == CTL_GOOD)
        r = send_revocation(&revoke, reason, options->reason);
    return r == CTL_GOOD ? remove_from_caches(&revoke) : r;
}
