/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmemsctl revoke: has the CA revoke a certificate, and drops it from the caches. */

#include <fcntl.h>
#include <stdio.h>

#include "base/io.h"
#include "config/file.h"
#include "ctl/ctl.h"
#include "libacme/registration.h"
#include "libacme/revocation.h"
#include "libacme/sync-call.h"
#include "log/log.h"
#include "statedir/account-dir.h"
#include "statedir/kept-chain.h"
#include "statedir/storage/cache.h"
#include "statedir/storage/scan.h"
#include "strings/strv.h"
#include "x509/chain-fields.h"
#include "x509/pem.h"

/* Of a request as large as max-size can be. */
#define FILE_SIZE_MAX     ((size_t)16 * 1024 * 1024)
#define SERIAL_LENGTH_MAX 128U

/* What the command works on. */
typedef struct Revoke {
    ConfigFile *config_file;
    const Config *config;
    const AccountBlock *account; /* that it is revoked with */
    sd_event *event;
    Session *session;
    Chain *chain; /* of the certificate to revoke */
    size_t n_dropped;
} Revoke;

static void revoke_done(Revoke *revoke)
{
    chain_free(revoke->chain);
    session_unref(revoke->session);
    sd_event_unref(revoke->event);
    config_file_free(revoke->config_file);
}

static int failed(const char *what, const char *why)
{
    fprintf(stderr, "acmemsctl: %s: %s\n", what, why);
    return CTL_BAD;
}

/* Looks at one entry of a cache, or, where @storage is NULL, at what orderd keeps because no cache
 * does: 0, or -errno to stop. */
typedef int (*entry_cb)(Revoke *revoke, const Storage *storage, const char *key, Chain **chain,
                        const void *userdata);

static int scan_storage(Revoke *revoke, const Storage *storage, entry_cb look, const void *userdata)
{
    _cleanup_(storage_scan_freep) StorageScan *scan = NULL;
    char key[STORAGE_KEY_SIZE];
    Renewal renewal;
    int r = storage_scan_new(storage, &scan);

    while (r >= 0 && (r = storage_scan_next(scan, key, &renewal)) > 0) {
        _cleanup_(chain_freep) Chain *chain = NULL;
        const char *why;

        r = storage_load(storage, key, &chain, &why);
        if (r == STORAGE_HIT)
            r = look(revoke, storage, key, &chain, userdata);
    }
    return r;
}

/* A chain that waits for its request: STORAGE_HIT, STORAGE_MISS or -ENOMEM. What cannot be made
 * sense of is orderd's to tell. */
static int load_kept(const Revoke *revoke, const char *key, Chain **ret)
{
    _cleanup_(order_record_done) OrderRecord record = { 0 };
    int r = kept_chain_load(revoke->config->state_directory, key, ret, &record);

    if (r < 0)
        return r == -ENOMEM ? r : STORAGE_MISS;
    return STORAGE_HIT;
}

static int scan_kept(Revoke *revoke, entry_cb look, const void *userdata)
{
    _cleanup_strv_ char **keys = NULL;
    int r = order_record_list(revoke->config->state_directory, &keys);

    STRV_FOREACH (key, keys) {
        _cleanup_(chain_freep) Chain *chain = NULL;

        r = load_kept(revoke, *key, &chain);
        if (r == STORAGE_HIT)
            r = look(revoke, NULL, *key, &chain, userdata);
        if (r < 0)
            break;
    }
    return r < 0 ? r : 0;
}

static int scan_all(Revoke *revoke, entry_cb look, const void *userdata)
{
    for (size_t i = 0; i < revoke->config->n_storages; i++) {
        const Storage *storage = revoke->config->storages[i];
        int r = storage->type == STORAGE_FILE ? scan_storage(revoke, storage, look, userdata) : 0;

        if (r < 0)
            return r;
    }
    return scan_kept(revoke, look, userdata);
}

static const char *without_zeros(const char *hex)
{
    return hex + strspn(hex, "0");
}

static int take_if_serial(Revoke *revoke, const Storage *storage, const char *key, Chain **chain,
                          const void *userdata)
{
    _cleanup_free_ char *serial = chain_serial(*chain);

    (void)storage;
    (void)key;
    if (!serial)
        return -ENOMEM;
    if (!revoke->chain && streq(without_zeros(serial), without_zeros(userdata)))
        revoke->chain = TAKE_PTR(*chain);
    return 0;
}

static int drop_if_same(Revoke *revoke, const Storage *storage, const char *key, Chain **chain,
                        const void *userdata)
{
    int r;

    (void)userdata;
    if (X509_cmp(chain_leaf(*chain), chain_leaf(revoke->chain)) != 0)
        return 0;
    r = storage ? storage_drop(storage, key)
                : order_record_remove(revoke->config->state_directory, key);
    if (r < 0)
        return r;
    revoke->n_dropped++;
    return 0;
}

/* Hexadecimal digits as openssl(1) and browsers print them: either case, with colons or without. */
static bool read_serial(const char *text, char serial[SERIAL_LENGTH_MAX])
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
    int r;

    if (!read_serial(text, serial))
        return failed(text, "neither a file nor a serial number");
    r = scan_all(revoke, take_if_serial, serial);
    if (r < 0)
        return failed(text, strerror(-r));
    return revoke->chain ? CTL_GOOD : failed(text, "no cache has a certificate of this serial");
}

static int find_request(Revoke *revoke, const char *path, const char *body, size_t size)
{
    char key[STORAGE_KEY_SIZE];

    if (storage_key(body, size, key) < 0)
        return failed(path, strerror(ENOMEM));
    for (size_t i = 0; i < revoke->config->n_storages; i++) {
        const char *why = NULL;
        int r = storage_load(revoke->config->storages[i], key, &revoke->chain, &why);

        if (r == STORAGE_HIT)
            return CTL_GOOD;
        if (r != STORAGE_MISS)
            return failed(path, r < 0 ? strerror(-r) : why);
    }
    if (load_kept(revoke, key, &revoke->chain) == STORAGE_HIT)
        return CTL_GOOD;
    return failed(path, "no cache has a certificate for this request, byte for byte");
}

static bool is_request(const char *text, size_t size)
{
    PemBlock block;

    return pem_next(&text, &size, &block) > 0 && (pem_block_is(&block, "CERTIFICATE REQUEST") ||
                                                  pem_block_is(&block, "NEW CERTIFICATE REQUEST"));
}

static int find(Revoke *revoke, const char *what)
{
    _cleanup_free_ char *text = NULL;
    const char *why;
    size_t size;
    int r = read_file_at(AT_FDCWD, what, FILE_SIZE_MAX, &text, &size);

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

/* The session speaks as the account from here on. */
static int open_session(Revoke *revoke)
{
    const AccountBlock *account = revoke->account;
    json_auto_t *registration = NULL;
    EVP_PKEY *key = NULL;
    int r = account_key_load(account->directory, &key);

    if (r >= 0)
        r = account_registration_load(account->directory, &registration);
    if (r >= 0 && !registration_uri(registration))
        r = -ENOENT;
    if (r >= 0)
        r = sd_event_default(&revoke->event);
    if (r >= 0)
        r = session_new(revoke->event, account->server, account->ca_file, &revoke->session);
    if (r >= 0) {
        session_set_key(revoke->session, key);
        r = session_set_account(revoke->session, registration_uri(registration));
    }
    EVP_PKEY_free(key);
    if (r == -ENOENT)
        return failed(account->directory, "there is no registered account: see acme-register(8)");
    return r < 0 ? failed(account->directory, strerror(-r)) : CTL_GOOD;
}

/* For who looks into the journal later: the user was told. */
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

/* @name: of the reason, or NULL */
static int request(Revoke *revoke, int reason, const char *name)
{
    _cleanup_(sync_answer_done) SyncAnswer answer = { 0 };
    _cleanup_free_ char *serial = chain_serial(revoke->chain);
    SessionCall *call;
    int r = revocation_request(revoke->session, chain_leaf(revoke->chain), reason, sync_callback,
                               &answer, &call);

    if (r >= 0)
        r = sync_wait(revoke->event, &answer);
    if (r < 0)
        return failed("revocation", strerror(-r));
    if (!answer.failure.status) {
        printf("Certificate %s is revoked.\n", str_or(serial, "?"));
        log_revoked(revoke, name);
    } else if (answer.failure.problem && streq(answer.failure.problem, "alreadyRevoked"))
        printf("Certificate %s was revoked already.\n", str_or(serial, "?"));
    else
        return failed("revocation", str_or(answer.failure.reason, "out of memory"));
    return CTL_GOOD;
}

static int drop(Revoke *revoke)
{
    int r = scan_all(revoke, drop_if_same, NULL);

    if (r < 0)
        return failed("it stays in the cache", strerror(-r));
    puts(revoke->n_dropped > 0 ? "It is out of the cache: its request is ordered anew."
                               : "No cache has it.");
    return CTL_GOOD;
}

/* The cache may know which CA it is from. */
static int take_account_if_same(Revoke *revoke, const Storage *storage, const char *key,
                                Chain **chain, const void *userdata)
{
    const Config *config = revoke->config;
    StorageMeta meta;
    int r;

    (void)userdata;
    if (!storage || X509_cmp(chain_leaf(*chain), chain_leaf(revoke->chain)) != 0)
        return 0;
    r = storage_meta_load(storage, key, *chain, &meta);
    if (r < 0)
        return r;
    if (meta.server && !revoke->account)
        revoke->account = config_account_at(config, meta.server, meta.account);
    storage_meta_done(&meta);
    return 0;
}

static int choose_account(Revoke *revoke, const char *name)
{
    const Config *config = revoke->config;
    /* There is nothing to choose where there is just one. */
    int r = name || config->n_accounts == 1 ? 0 : scan_all(revoke, take_account_if_same, NULL);

    if (r < 0)
        return failed(config->path, strerror(-r));
    if (!revoke->account)
        revoke->account = name ? config_find_account(config, name) : config_default_account(config);
    if (revoke->account)
        return CTL_GOOD;
    return name ? failed(name, "there is no account of this name")
                : failed(config->path, "it has several accounts: say which with --account=NAME");
}

static int parse_reason(const char *name, int *ret)
{
    int code = name ? revocation_reason_from_string(name) : REVOCATION_NO_REASON;
    _cleanup_free_ char *all = NULL;

    *ret = code;
    if (!name || code >= 0)
        return CTL_GOOD;
    all = revocation_reasons();
    return ctl_usage("a reason is one of ", str_or(all, "?"));
}

int ctl_revoke(char *const *arguments, const CtlOptions *options)
{
    _cleanup_(revoke_done) Revoke revoke = { 0 };
    char path[PATH_MAX];
    int reason, r;

    if (!arguments[0] || arguments[1])
        return ctl_usage("revoke takes one certificate, request or serial number", "");
    r = parse_reason(options->reason, &reason);
    if (r != CTL_GOOD)
        return r;
    log_open("acmemsctl");
    if (config_file_open(str_or(options->config, config_file_default(path)), &revoke.config_file) <
        0)
        return CTL_BAD;
    revoke.config = config_file_get(revoke.config_file);
    r = find(&revoke, arguments[0]);
    if (r == CTL_GOOD)
        r = choose_account(&revoke, options->account);
    if (r == CTL_GOOD)
        r = open_session(&revoke);
    if (r == CTL_GOOD)
        r = request(&revoke, reason, options->reason);
    return r == CTL_GOOD ? drop(&revoke) : r;
}
