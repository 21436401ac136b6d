/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/ledger.h"

#include "statedir/files/json-time.h"
#include "statedir/files/state-json.h"

#define VERSION   1
#define DIRECTORY "budget"
/* Enough for LEDGER_MAX times and notes with their indentation, and a set of names. */
#define FILE_SIZE_MAX ((size_t)6 * 1024 * 1024)

void ledger_done(Ledger *ledger)
{
    for (size_t i = 0; ledger->notes && i < ledger->n; i++)
        free(ledger->notes[i]);
    free(ledger->notes);
    free(ledger->times);
    *ledger = (Ledger){ 0 };
}

/* Times in the future, as after the clock was set back, are ignored like those that are too old. */
static bool is_in_window(time_t when, time_t window, time_t now)
{
    return when <= now && now - when < window;
}

static int ledger_fill(const json_t *object, time_t window, time_t now, Ledger *ledger)
{
    const json_t *times = json_object_get(object, "times");
    const json_t *notes = json_object_get(object, "notes");
    size_t n = json_array_size(times);
    time_t last = 0;

    if (json_integer_value(json_object_get(object, "version")) != VERSION || n > LEDGER_MAX)
        n = 0;
    /* An earlier version adds times without notes: nothing says whose the notes are then. */
    if (json_array_size(notes) != n)
        notes = NULL;
    ledger->times = calloc(n + 1, sizeof(*ledger->times));
    ledger->notes = calloc(n + 1, sizeof(*ledger->notes));
    if (!ledger->times || !ledger->notes)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const char *note = json_string_value(json_array_get(notes, i));
        time_t when = json_time(json_array_get(times, i));

        /* Times that do not ascend are those of a damaged file. */
        if (!is_in_window(when, window, now) || when < last)
            continue;
        ledger->times[ledger->n++] = last = when;
        if (note && !(ledger->notes[ledger->n - 1] = strdup(note)))
            return -ENOMEM;
    }
    return 0;
}

static int ledger_unpack(const json_t *object, time_t window, time_t now, Ledger *ret)
{
    Ledger ledger = { 0 };
    int r = ledger_fill(object, window, now, &ledger);

    if (r < 0)
        ledger_done(&ledger);
    else
        *ret = ledger;
    return r;
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

static void drop_first(Ledger *ledger)
{
    free(ledger->notes[0]);
    ledger->n--;
    memmove(ledger->times, ledger->times + 1, ledger->n * sizeof(*ledger->times));
    memmove(ledger->notes, ledger->notes + 1, ledger->n * sizeof(*ledger->notes));
}

static int ledger_append(Ledger *ledger, time_t now, const char *note)
{
    time_t *times;
    char **notes;

    if (ledger->n == LEDGER_MAX)
        drop_first(ledger);
    times = reallocarray(ledger->times, ledger->n + 1, sizeof(*times));
    if (!times)
        return -ENOMEM;
    ledger->times = times;
    notes = reallocarray(ledger->notes, ledger->n + 1, sizeof(*notes));
    if (!notes)
        return -ENOMEM;
    ledger->notes = notes;
    times[ledger->n] = now;
    notes[ledger->n] = note && strlen(note) <= LEDGER_NOTE_MAX ? strdup(note) : NULL;
    ledger->n++;
    return 0;
}

static json_t *ledger_pack(const LedgerKey *key, const Ledger *ledger)
{
    json_auto_t *times = json_array(), *notes = json_array();
    bool has_notes = false;

    for (size_t i = 0; i < ledger->n; i++) {
        const char *note = ledger->notes[i];
        json_t *string = note ? json_string(note) : NULL; /* NULL too if it is not UTF-8 */

        has_notes |= string != NULL;
        if (json_array_append_new(times, json_integer(ledger->times[i])) < 0 ||
            json_array_append_new(notes, string ? string : json_null()) < 0)
            return NULL;
    }
    return json_pack("{si ss ss ss sI sO sO*}", "version", VERSION, "kind", key->kind, "server",
                     key->server, "what", key->what, "window", (json_int_t)key->window, "times",
                     times, "notes", has_notes ? notes : NULL);
}

int ledger_add(const char *state, const LedgerKey *key, time_t now, const char *note,
               Ledger *ledger)
{
    json_auto_t *object = NULL;
    char name[STORAGE_KEY_SIZE];
    int r = ledger_append(ledger, now, note);

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
