/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of the state directory: the first byte of the input decides which. */

#include <limits.h>

#include "input-file.h"
#include "statedir/account-dir.h"
#include "statedir/dns-record.h"
#include "statedir/ledger.h"
#include "statedir/order-record.h"
#include "statedir/pause.h"
#include "statedir/session-record.h"
#include "strings/strv.h"

#define SERVER "https://ca.example/directory"
#define NOW    1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const LedgerKey ledger_key = { "orders", SERVER, "what", 3 * 3600 };

/* What was read can be written: the disk aside, only for a lack of memory not. */
static void check_saved(int r)
{
    if (r < 0 && r != -ENOMEM)
        abort();
}

static int load_order(const char *state, const char *key)
{
    OrderRecord record = { 0 };
    int r = order_record_load(state, key, &record);

    if (r == 0) {
        if (!record.body || record.body[record.body_size] != '\0' || !record.request_id)
            abort();
        if (record.stage != ORDER_STAGE_NEW && !record.url && !record.chain)
            abort();
        (void)order_record_expires(&record);
        check_saved(order_record_save(state, key, &record));
    }
    order_record_done(&record);
    return r;
}

static int load_pause(const char *state, _unused_ const char *key)
{
    Pause pause = { 0 };
    int r = pause_load(state, PAUSE_NAME, SERVER, "what", NOW, &pause);

    if (r == 0 && (!pause.reason || pause_left(&pause, NOW) > PAUSE_MAX))
        abort();
    if (r == 0)
        check_saved(pause_save(state, &pause));
    (void)pause_sweep(state, NOW + PAUSE_MAX);
    pause_done(&pause);
    return r;
}

static int load_ledger(const char *state, _unused_ const char *key)
{
    Ledger ledger = { 0 };
    int r = ledger_load(state, &ledger_key, NOW, &ledger);

    for (size_t i = 0; r == 0 && i < ledger.n; i++)
        if (ledger.times[i] < NOW - ledger_key.window ||
            (i > 0 && ledger.times[i] < ledger.times[i - 1]))
            abort();
    if (r == 0)
        check_saved(ledger_add(state, &ledger_key, NOW, "new 192.0.2.7 web", &ledger));
    (void)ledger_sweep(state, NOW + LEDGER_WINDOW_MAX);
    ledger_done(&ledger);
    return r;
}

static int load_dns(const char *state, const char *key)
{
    DnsRecord record = { 0 };
    int r = dns_record_load(state, key, &record);

    if (r == 0 && (!record.name || !record.owner || !record.value))
        abort();
    if (r == 0)
        check_saved(dns_record_save(state, &record));
    dns_record_done(&record);
    return r;
}

static int load_session(const char *state, _unused_ const char *key)
{
    SessionRecord record = { 0 };
    int r = session_record_take(state, SERVER, NOW, &record);

    if (strv_length(record.nonces) > SESSION_NONCES_KEPT)
        abort();
    if (r == 0) {
        check_saved(session_record_save(state, SERVER, record.directory, NOW));
        check_saved(session_record_add_nonces(state, SERVER, record.nonces, NOW));
    }
    (void)session_record_sweep(state, NOW + SESSION_DIRECTORY_AGE_MAX);
    session_record_done(&record);
    return r;
}

static int load_registration(const char *state, _unused_ const char *key)
{
    json_t *registration = NULL;
    char directory[PATH_MAX];
    int r;

    (void)snprintf(directory, sizeof(directory), "%s/account", state);
    r = account_registration_load(directory, &registration);
    json_decref(registration);
    return r;
}

/* @named_after: the file name is its hash; NULL: the file has a fixed name */
static const struct {
    const char *directory, *named_after;
    int (*load)(const char *state, const char *key);
} files[] = {
    { "orders", "x", load_order },
    { "backoff", "name\n" SERVER "\nwhat", load_pause },
    { "budget", "orders\n" SERVER "\nwhat", load_ledger },
    { "dns", "d\nexample.org\n_acme-challenge.www.example.org\nabc", load_dns },
    { "session", SERVER, load_session },
    { "account", NULL, load_registration },
};

static void make_directories(void)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < ELEMENTSOF(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", input_place(), files[i].directory);
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char key[STORAGE_KEY_SIZE] = "", name[PATH_MAX];
    size_t i;

    if (size == 0)
        return 0;
    i = data[0] % ELEMENTSOF(files);
    make_directories();
    if (!files[i].named_after)
        (void)snprintf(name, sizeof(name), "%s/registration.json", files[i].directory);
    else if (storage_key(files[i].named_after, strlen(files[i].named_after), key) == 0)
        (void)snprintf(name, sizeof(name), "%s/%s.json", files[i].directory, key);
    else
        abort();
    input_write(name, data + 1, size - 1);
    (void)files[i].load(input_place(), key);
    return 0;
}
