/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of the state directory: the first byte of the input decides which. */

#include <limits.h>

#include "input-file.h"
#include "input-pem.h"
#include "statedir/account/account-dir.h"
#include "statedir/challenges/tls-challenge.h"
#include "statedir/dns-record.h"
#include "statedir/kept-chain.h"
#include "statedir/ledger.h"
#include "statedir/order-record.h"
#include "statedir/pause.h"
#include "statedir/session-record.h"
#include "statedir/storage/cache.h"
#include "strings/strv.h"

static char key_why[ACCOUNT_KEY_WHY_SIZE];

#define SERVER "https://ca.example/directory"
#define NOW    1800000000
/* SHA-256 of www.example.org */
#define TLS_CHALLENGE_NAME "8a59b0a30caeff0f2ca1340ecc08d83864973137b4685b3507b087fb3758c7d3"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Which meta.json is about. */
static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIH9MIGloAMCAQICAREwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHdGVzdCBDQTAe\n"
    "Fw0yNjAxMDEwMDAwMDBaFw0yNjA0MDEwMDAwMDBaMAAwWTATBgcqhkjOPQIBBggq\n"
    "hkjOPQMBBwNCAARKJAq/y+bqeYuAGJWa2qAD6Ow3lOkKPkOaGrXwOteDVqEfPOZ9\n"
    "4G2dTBszjQUS3yMaWmMwstIVr6F+e0gwEXKEMAoGCCqGSM49BAMCA0cAMEQCIHW8\n"
    "iN+vTnadXeY61S4GSr0I66U+ZDJIG6yGjf+wuNp9AiAp63MR+8ftJYNFDMbdrdc7\n"
    "hW7srYuSWx7e9NPFp088Tg==\n"
    "-----END CERTIFICATE-----\n";

static const LedgerKey ledger_key = { "orders", SERVER, "what", 3 * 3600 };

/* What was read can be written: the disk aside, only for a lack of memory not. */
static void check_saved(int r)
{
    if (r < 0 && r != -ENOMEM)
        abort();
}

/* The list has the record, which is then removed. */
static void check_listed(const char *key, int (*list)(const char *state, char ***ret),
                         int (*remove)(const char *state, const char *key))
{
    _cleanup_strv_ char **keys = NULL;

    check_saved(list(input_place(), &keys));
    if (!strv_contains(keys, key))
        abort();
    check_saved(remove(input_place(), key));
}

static bool is_equal(const char *a, const char *b)
{
    return a && b ? streq(a, b) : a == b;
}

static bool is_same_order(const OrderRecord *a, const OrderRecord *b)
{
    return a->stage == b->stage && a->created == b->created && a->issued == b->issued &&
           a->asked == b->asked && a->expires == b->expires && a->is_exempt == b->is_exempt &&
           a->body_size == b->body_size && memcmp(a->body, b->body, a->body_size) == 0 &&
           is_equal(a->account, b->account) && is_equal(a->server, b->server) &&
           is_equal(a->auth, b->auth) && is_equal(a->request_id, b->request_id) &&
           is_equal(a->client, b->client) && is_equal(a->url, b->url) &&
           is_equal(a->finalize_url, b->finalize_url) && is_equal(a->chain, b->chain);
}

/* A record that begins the same order again. */
static void begin_again(const char *state, const char *key, const OrderRecord *old)
{
    char name[] = "again";
    const AuthBlock auth = { .name = name };
    const SignRequest request = { .body = old->body, .size = old->body_size, .auth = &auth };
    OrderRecord record = { 0 }, again = { 0 };

    if (order_record_init(&record, &request, old->request_id, old->client) < 0 ||
        order_record_set_account(&record, "account", SERVER) < 0)
        abort();
    order_record_forget_url(&record);
    check_saved(order_record_save(state, key, &record));
    if (order_record_load(state, key, &again) < 0 || !is_same_order(&record, &again))
        abort();
    order_record_done(&record);
    order_record_done(&again);
}

static void load_kept_chain(const char *state, const char *key)
{
    OrderRecord record = { 0 };
    Chain *chain = NULL;

    if (kept_chain_load(state, key, &chain, &record) < 0)
        return;
    (void)kept_chain_is_current(&record);
    check_saved(kept_chain_put(&record, chain));
    if (!kept_chain_is_current(&record))
        abort();
    chain_free(chain);
    order_record_done(&record);
}

/* Each record is a file of the directory that acmems-orderd watches. */
static void check_file(const char *state, const char *key)
{
    _cleanup_free_ char *directory = NULL;
    char name[STORAGE_KEY_SIZE + STRLEN(".json")], found[STORAGE_KEY_SIZE];

    (void)snprintf(name, sizeof(name), "%s.json", key);
    if (order_record_directory(state, &directory) < 0 || !order_record_is_named(name, found) ||
        !is_equal(found, key) || order_record_is_named(key, found) ||
        !order_record_exists(state, key))
        abort();
}

static int load_order(const char *state, const char *key)
{
    OrderRecord record = { 0 }, again = { 0 };
    int r = order_record_load(state, key, &record);

    if (r == 0) {
        if (!record.body || record.body[record.body_size] != '\0' || !record.request_id)
            abort();
        if (record.stage != ORDER_STAGE_NEW && !record.url && !record.chain)
            abort();
        (void)order_record_expires(&record);
        check_saved(order_record_save(state, key, &record));
        check_file(state, key);
        if (order_record_load(state, key, &again) < 0 || !is_same_order(&record, &again))
            abort();
        load_kept_chain(state, key);
        begin_again(state, key, &record);
        check_saved(order_record_clean(state));
        check_listed(key, order_record_list, order_record_remove);
    }
    order_record_done(&record);
    order_record_done(&again);
    return r;
}

static int on_pause(const Pause *pause, void *userdata)
{
    unsigned *n = userdata;

    if (!pause->reason || !*pause_kind_name(pause->kind))
        abort();
    (*n)++;
    return -ECANCELED;
}

static int load_pause(const char *state, _unused_ const char *key)
{
    Pause pause = { 0 }, again = { 0 };
    unsigned n = 0;
    int r = pause_load(state, PAUSE_NAME, SERVER, "what", NOW, &pause);

    if (r == 0 && (!pause.reason || pause_left(&pause, NOW) > PAUSE_MAX))
        abort();
    (void)pause_foreach(state, on_pause, &n);
    if (r == 0 && n == 0)
        abort();
    if (r == 0) {
        check_saved(pause_save(state, &pause));
        check_saved(pause_remove(state, pause.kind, pause.server, pause.what));
        check_saved(pause_save(state, &pause));
        /* The file of another pause has the name of this one, and the wrong content. */
        if (pause_load(state, pause.kind, pause.server, pause.what, NOW, &again) == 0 &&
            (again.until != pause.until || again.count != pause.count ||
             !is_equal(again.reason, pause.reason) || !is_equal(again.problem, pause.problem)))
            abort();
        check_saved(pause_remove(state, pause.kind, pause.server, pause.what));
    }
    (void)pause_sweep(state, NOW + PAUSE_MAX);
    pause_done(&pause);
    pause_done(&again);
    return r;
}

static void check_ledger(const Ledger *ledger)
{
    for (size_t i = 0; i < ledger->n; i++)
        if (ledger->times[i] > NOW || ledger->times[i] < NOW - ledger_key.window ||
            (i > 0 && ledger->times[i] < ledger->times[i - 1]))
            abort();
}

/* Once in each process, as it takes its time. */
static void overfill(const char *state, Ledger *ledger)
{
    static bool is_done;
    Ledger again = { 0 };

    if (is_done)
        return;
    is_done = true;
    ledger->times = reallocarray(ledger->times, LEDGER_MAX, sizeof(*ledger->times));
    ledger->notes = reallocarray(ledger->notes, LEDGER_MAX, sizeof(*ledger->notes));
    if (!ledger->times || !ledger->notes)
        abort();
    for (; ledger->n < LEDGER_MAX; ledger->n++) {
        ledger->times[ledger->n] = NOW;
        ledger->notes[ledger->n] = NULL;
    }
    check_saved(ledger_add(state, &ledger_key, NOW, NULL, ledger));
    if (ledger->n != LEDGER_MAX || ledger_load(state, &ledger_key, NOW, &again) < 0 ||
        again.n != LEDGER_MAX)
        abort();
    ledger_done(&again);
}

static int load_ledger(const char *state, _unused_ const char *key)
{
    Ledger ledger = { 0 }, again = { 0 };
    int r = ledger_load(state, &ledger_key, NOW, &ledger);

    if (r == 0) {
        check_ledger(&ledger);
        check_saved(ledger_add(state, &ledger_key, NOW, "new 192.0.2.7 web", &ledger));
        if (ledger_load(state, &ledger_key, NOW, &again) < 0 || again.n != ledger.n)
            abort();
        check_ledger(&again);
        overfill(state, &ledger);
    }
    (void)ledger_sweep(state, NOW + LEDGER_WINDOW_MAX);
    ledger_done(&ledger);
    ledger_done(&again);
    return r;
}

static int load_dns(const char *state, const char *key)
{
    DnsRecord record = { 0 }, again = { 0 };
    char own[STORAGE_KEY_SIZE];
    int r = dns_record_load(state, key, &record);

    if (r == 0) {
        if (!record.name || !record.owner || !record.value || dns_record_key(&record, own) < 0)
            abort();
        check_saved(dns_record_save(state, &record));
        if (dns_record_load(state, own, &again) < 0 || again.created != record.created ||
            !is_equal(again.servers, record.servers) || !is_equal(again.unsure, record.unsure))
            abort();
        check_listed(own, dns_record_list, dns_record_remove);
    }
    dns_record_done(&record);
    dns_record_done(&again);
    return r;
}

static int load_session(const char *state, _unused_ const char *key)
{
    SessionRecord record = { 0 }, again = { 0 };
    int r = session_record_take(state, SERVER, NOW, &record);

    if (strv_length(record.nonces) > SESSION_NONCES_KEPT)
        abort();
    /* A nonce is taken once. */
    if (r == 0 && (session_record_take(state, SERVER, NOW, &again) < 0 || again.nonces))
        abort();
    session_record_done(&again);
    if (r == 0 && session_record_save(state, SERVER, record.directory, NOW) != -E2BIG) {
        check_saved(session_record_add_nonces(state, SERVER, record.nonces, NOW));
        if (session_record_take(state, SERVER, NOW, &again) < 0 ||
            !json_equal(again.directory, record.directory) ||
            strv_length(again.nonces) != strv_length(record.nonces))
            abort();
    }
    (void)session_record_sweep(state, NOW + SESSION_DIRECTORY_AGE_MAX);
    session_record_done(&record);
    session_record_done(&again);
    return r;
}

static int load_registration(const char *state, _unused_ const char *key)
{
    json_auto_t *registration = NULL, *again = NULL;
    char directory[PATH_MAX];
    int r;

    (void)snprintf(directory, sizeof(directory), "%s/account", state);
    r = account_registration_load(directory, &registration);
    if (r == 0) {
        check_saved(account_registration_save(directory, registration));
        if (account_registration_load(directory, &again) < 0 || !json_equal(again, registration))
            abort();
    } else if (!*account_registration_words(r))
        abort();
    return r;
}

/* As for a key rollover. */
static void replace_key(const char *directory, EVP_PKEY *key)
{
    EVP_PKEY *again = NULL;

    check_saved(account_key_save(directory, key, true));
    if (account_key_save(directory, key, false) != -EEXIST ||
        account_key_load(directory, key_why, &again) < 0 || EVP_PKEY_eq(key, again) != 1)
        abort();
    EVP_PKEY_free(again);
    check_saved(account_new_key_save(directory, key));
    if (!account_new_key_exists(directory) || account_new_key_load(directory, key_why, &again) < 0)
        abort();
    EVP_PKEY_free(again);
    check_saved(account_new_key_adopt(directory));
    check_saved(account_new_key_save(directory, key));
    check_saved(account_new_key_remove(directory));
    if (account_new_key_exists(directory))
        abort();
}

static int load_key(const char *state, _unused_ const char *key)
{
    _cleanup_close_ int lock = -EBADF;
    _cleanup_free_ char *path = NULL, *described = NULL;
    char directory[PATH_MAX];
    EVP_PKEY *account = NULL;
    int r;

    (void)snprintf(directory, sizeof(directory), "%s/account", state);
    lock = account_dir_lock(directory);
    path = account_key_path(directory);
    described = account_file_describe(directory, ACCOUNT_KEY_FILE);
    if (lock < 0 || !path || account_dir_lock(directory) != -EBUSY || !described ||
        !is_equal(path, described) || account_new_key_load(directory, key_why, &account) != -ENOENT)
        abort();
    *key_why = '\0';
    r = account_key_load(directory, key_why, &account);
    if (r == 0)
        replace_key(directory, account);
    else if (!*key_why)
        abort();
    EVP_PKEY_free(account);
    return r;
}

static int load_tls_challenge(const char *state, _unused_ const char *key)
{
    _cleanup_close_ int fd = -EBADF;
    TlsChallenge challenge = { 0 }, again = { 0 };
    char directory[PATH_MAX];
    int r;

    (void)snprintf(directory, sizeof(directory), "%s/challenges", state);
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = tls_challenge_read(fd, "www.example.org", &challenge);
    if (r == CHALLENGE_FOUND) {
        check_saved(tls_challenge_write(fd, "www.example.org", &challenge));
        if (tls_challenge_read(fd, "www.example.org", &again) != CHALLENGE_FOUND ||
            X509_cmp(challenge.certificate, again.certificate) != 0)
            abort();
    }
    check_saved(tls_challenge_remove(fd, "www.example.org"));
    if (tls_challenge_read(fd, "www.example.org", &again) != CHALLENGE_NOT_FOUND)
        abort();
    tls_challenge_done(&challenge);
    tls_challenge_done(&again);
    return r;
}

static bool is_same_meta(const StorageMeta *a, const StorageMeta *b)
{
    return a->asked == b->asked && a->window_start == b->window_start &&
           a->window_end == b->window_end && a->ask_at == b->ask_at &&
           is_equal(a->server, b->server) && is_equal(a->account, b->account) &&
           is_equal(a->auth, b->auth) && is_equal(a->explanation, b->explanation);
}

static void check_renewal(const Storage *storage, const char *key, const Chain *chain,
                          const StorageMeta *meta)
{
    Renewal renewal = renewal_of(storage, key, chain, meta);

    if (renewal.due > renewal.not_after || renewal.at > renewal.not_after)
        abort();
}

static int load_meta(const char *state, const char *key)
{
    char directory[PATH_MAX];
    const Storage storage = { .type = STORAGE_FILE,
                              .directory = directory,
                              .renew_within = 14,
                              .prefetch = true,
                              .prefetch_forget = 3650 };
    StorageMeta meta = { 0 }, again = { 0 };
    const char *why;
    Chain *chain;

    (void)snprintf(directory, sizeof(directory), "%s/storage", state);
    if (chain_parse(certificate, strlen(certificate), &chain, &why) < 0 ||
        storage_meta_load(&storage, key, chain, &meta) < 0)
        abort();
    check_renewal(&storage, key, chain, &meta);
    check_saved(storage_meta_save(&storage, key, chain, &meta));
    if (storage_meta_load(&storage, key, chain, &again) < 0 || !is_same_meta(&meta, &again))
        abort();
    storage_meta_done(&meta);
    storage_meta_done(&again);
    chain_free(chain);
    return 0;
}

/* @named_after: the file name is its hash, with this suffix; NULL: the file has a fixed name
 * @label: the input may be DER, and is then written as PEM */
static const struct {
    const char *directory, *named_after, *name, *label;
    int (*load)(const char *state, const char *key);
} files[] = {
    { "orders", "x", ".json", NULL, load_order },
    { "backoff", "name\n" SERVER "\nwhat", ".json", NULL, load_pause },
    { "budget", "orders\n" SERVER "\nwhat", ".json", NULL, load_ledger },
    { "dns", "d\nexample.org\n_acme-challenge.www.example.org\nabc", ".json", NULL, load_dns },
    { "session", SERVER, ".json", NULL, load_session },
    { "account", NULL, "registration.json", NULL, load_registration },
    { "storage", "x", "/meta.json", NULL, load_meta },
    { "account", NULL, "account.pem", "PRIVATE KEY", load_key },
    { "challenges", NULL, TLS_CHALLENGE_NAME, NULL, load_tls_challenge },
};

static void make_directory(const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", input_place(), name);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        abort();
}

/* The name of the input's file. Makes its directory. */
static void file_name(size_t i, char key[STORAGE_KEY_SIZE], char ret[PATH_MAX])
{
    const char *after = files[i].named_after;
    char entry[PATH_MAX];
    bool is_entry = files[i].name[0] == '/';

    make_directory(files[i].directory);
    if (after && storage_key(after, strlen(after), key) < 0)
        abort();
    if (is_entry) {
        (void)snprintf(entry, sizeof(entry), "%s/%.2s", files[i].directory, key);
        make_directory(entry);
        (void)snprintf(entry, sizeof(entry), "%s/%.2s/%s", files[i].directory, key, key + 2);
        make_directory(entry);
        (void)snprintf(ret, PATH_MAX, "%s/%.2s/%s%s", files[i].directory, key, key + 2,
                       files[i].name);
    } else
        (void)snprintf(ret, PATH_MAX, "%s/%s%s", files[i].directory, key, files[i].name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char key[STORAGE_KEY_SIZE] = "", name[PATH_MAX];
    _cleanup_free_ char *pem = NULL;
    size_t i;

    if (size == 0)
        return 0;
    i = data[0] % ELEMENTSOF(files);
    file_name(i, key, name);
    if (files[i].label)
        pem = input_as_pem(data + 1, size - 1, files[i].label);
    if (pem)
        input_write(name, (const uint8_t *)pem, strlen(pem));
    else
        input_write(name, data + 1, size - 1);
    (void)files[i].load(input_place(), key);
    return 0;
}
