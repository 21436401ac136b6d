/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/pause.h"

#include "statedir/files/json-strings.h"
#include "statedir/files/json-time.h"
#include "statedir/files/state-json.h"
#include "strings/strv.h"

#define VERSION   1
#define DIRECTORY "backoff"
/* Enough for the largest set of names, a reason and the other members. */
#define FILE_SIZE_MAX ((size_t)64 * 1024)
/* How long the number of failures is kept after the end of a pause, s. */
#define COUNT_KEPT (24 * 3600)
/* Corrections of the clock by less than this are usual, s. */
#define CLOCK_STEP_MAX 60

static const char *const kinds[] = {
    [PAUSE_SERVER] = "server", [PAUSE_ACCOUNT] = "account", [PAUSE_DOMAIN] = "domain",
    [PAUSE_NAMES] = "names",   [PAUSE_NAME] = "name",
};

static const JsonString strings[] = {
    { "server", offsetof(Pause, server), false },
    { "what", offsetof(Pause, what), false },
    { "reason", offsetof(Pause, reason), false },
    { "problem", offsetof(Pause, problem), true },
};

void pause_done(Pause *pause)
{
    json_strings_free(strings, ELEMENTSOF(strings), pause);
    *pause = (Pause){ 0 };
}

unsigned pause_left(const Pause *pause, time_t now)
{
    if (pause->until <= now || pause->until - now > PAUSE_MAX ||
        pause->since > now + CLOCK_STEP_MAX)
        return 0;
    return (unsigned)(pause->until - now);
}

const char *pause_kind_name(PauseKind kind)
{
    return kinds[kind];
}

static int pause_unpack(const json_t *object, Pause *pause)
{
    json_int_t count = json_integer_value(json_object_get(object, "count"));
    json_int_t status = json_integer_value(json_object_get(object, "status"));
    int kind = json_strings_find(kinds, ELEMENTSOF(kinds), object, "kind");

    if (json_integer_value(json_object_get(object, "version")) != VERSION || kind < 0 ||
        count < 0 || count > INT32_MAX || status < 400 || status > 599)
        return -EBADMSG;
    pause->kind = (PauseKind)kind;
    pause->count = (unsigned)count;
    pause->status = (int)status;
    pause->since = json_time(json_object_get(object, "since"));
    pause->until = json_time(json_object_get(object, "until"));
    return json_strings_unpack(strings, ELEMENTSOF(strings), object, pause);
}

static int pause_load_key(const char *state, const char *key, Pause *ret)
{
    _cleanup_(pause_done) Pause pause = { 0 };
    json_auto_t *object = NULL;
    int r = state_json_load(state, DIRECTORY, key, FILE_SIZE_MAX, &object);

    if (r < 0)
        return r;
    r = pause_unpack(object, &pause);
    if (r < 0)
        return r;
    *ret = pause;
    pause = (Pause){ 0 };
    return 0;
}

static bool is_of_use(const Pause *pause, time_t now)
{
    return pause_left(pause, now) > 0 || (pause->until <= now && now - pause->until < COUNT_KEPT);
}

int pause_load(const char *state, PauseKind kind, const char *server, const char *what, time_t now,
               Pause *ret)
{
    _cleanup_(pause_done) Pause pause = { 0 };
    char key[STORAGE_KEY_SIZE];
    int r = state_json_key(kinds[kind], server, what, key);

    if (r >= 0)
        r = pause_load_key(state, key, &pause);
    if (r < 0)
        return r;
    if (!is_of_use(&pause, now)) {
        r = state_json_remove(state, DIRECTORY, key);
        return r < 0 ? r : -ENOENT;
    }
    *ret = pause;
    pause = (Pause){ 0 };
    return 0;
}

int pause_save(const char *state, const Pause *pause)
{
    json_auto_t *object = json_pack(
        "{si ss ss ss sI sI si si ss ss*}", "version", VERSION, "kind", kinds[pause->kind],
        "server", pause->server, "what", pause->what, "since", (json_int_t)pause->since, "until",
        (json_int_t)pause->until, "count", (int)pause->count, "status", pause->status, "reason",
        pause->reason, "problem", pause->problem);
    char key[STORAGE_KEY_SIZE];
    int r = object ? state_json_key(kinds[pause->kind], pause->server, pause->what, key) : -ENOMEM;

    return r < 0 ? r : state_json_save(state, DIRECTORY, key, object);
}

int pause_remove(const char *state, PauseKind kind, const char *server, const char *what)
{
    char key[STORAGE_KEY_SIZE];
    int r = state_json_key(kinds[kind], server, what, key);

    return r < 0 ? r : state_json_remove(state, DIRECTORY, key);
}

int pause_foreach(const char *state, pause_cb callback, void *userdata)
{
    _cleanup_strv_ char **keys = NULL;
    int r = state_json_list(state, DIRECTORY, &keys);

    if (r < 0)
        return r;
    STRV_FOREACH (key, keys) {
        _cleanup_(pause_done) Pause pause = { 0 };

        if (pause_load_key(state, *key, &pause) < 0)
            continue;
        r = callback(&pause, userdata);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Keeps files that cannot be read: the error may be temporary. */
static int pause_is_over(const char *state, const char *key, time_t now)
{
    _cleanup_(pause_done) Pause pause = { 0 };
    int r = pause_load_key(state, key, &pause);

    return r < 0 ? r == -EBADMSG : !is_of_use(&pause, now);
}

int pause_sweep(const char *state, time_t now)
{
    return state_json_sweep(state, DIRECTORY, pause_is_over, now);
}
