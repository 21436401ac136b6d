/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/ledger.h"

#include "statedir/files/state-json.h"

#define VERSION   1
#define DIRECTORY "budget"
/* Enough for LEDGER_MAX times with their indentation, and a set of names. */
#define FILE_SIZE_MAX ((size_t)512 * 1024)

void ledger_done(Ledger *ledger)
{
    free(ledger->times);
    *ledger = (Ledger){ 0 };
}

/* Times in the future, as after the clock was set back, are ignored like those that are too old. */
static bool is_in_window(time_t when, time_t window, time_t now)
{
    return when <= now && now - when < window;
}

static int ledger_unpack(const json_t *object, time_t window, time_t now, Ledger *ret)
{
    const json_t *times = json_object_get(object, "times"), *when;
    size_t i, n = json_array_size(times);
    Ledger ledger = { 0 };

    if (json_integer_value(json_object_get(object, "version")) != VERSION || n > LEDGER_MAX)
        n = 0;
    ledger.times = calloc(n + 1, sizeof(*ledger.times));
    if (!ledger.times)
        return -ENOMEM;
    for (i = 0; i < n; i++) {
        when = json_array_get(times, i);
        if (is_in_window(json_integer_value(when), window, now))
            ledger.times[ledger.n++] = json_integer_value(when);
    }
    *ret = ledger;
    return 0;
}

static int ledger_load_key(const char *state, const char *key, json_t **ret)
{
    int r = state_json_load(state, DIRECTORY, key, FILE_SIZE_MAX, ret);

    return r == -ENOENT || r == -EBADMSG ? 0 : r;
}

int ledger_load(const char *state, const LedgerKey *key, time_t now, Ledger *ret)
{
    json_auto_t *object = NULL;
    char name[STORAGE_KEY_SIZE];
    int r = state_json_key(key->kind, key->server, key->what, name);

    if (r >= 0)
        r = ledger_load_key(state, name, &object);
    return r < 0 ? r : ledger_unpack(object, key->window, now, ret);
}

static int ledger_append(Ledger *ledger, time_t now)
{
    time_t *grown;

    if (ledger->n == LEDGER_MAX) {
        ledger->n--;
        memmove(ledger->times, ledger->times + 1, ledger->n * sizeof(*ledger->times));
    }
    grown = reallocarray(ledger->times, ledger->n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    grown[ledger->n++] = now;
    ledger->times = grown;
    return 0;
}

static json_t *ledger_pack(const LedgerKey *key, const Ledger *ledger)
{
    json_auto_t *times = json_array();

    for (size_t i = 0; i < ledger->n; i++)
        if (json_array_append_new(times, json_integer(ledger->times[i])) < 0)
            return NULL;
    return json_pack("{si ss ss ss sI sO}", "version", VERSION, "kind", key->kind, "server",
                     key->server, "what", key->what, "window", (json_int_t)key->window, "times",
                     times);
}

int ledger_add(const char *state, const LedgerKey *key, time_t now, Ledger *ledger)
{
    json_auto_t *object = NULL;
    char name[STORAGE_KEY_SIZE];
    int r = ledger_append(ledger, now);

    if (r < 0)
        return r;
    object = ledger_pack(key, ledger);
    r = object ? state_json_key(key->kind, key->server, key->what, name) : -ENOMEM;
    return r < 0 ? r : state_json_save(state, DIRECTORY, name, object);
}

static int ledger_is_over(const char *state, const char *key, time_t now)
{
    return state_json_is_old(state, DIRECTORY, key, now - LEDGER_WINDOW_MAX);
}

int ledger_sweep(const char *state, time_t now)
{
    return state_json_sweep(state, DIRECTORY, ledger_is_over, now);
}
