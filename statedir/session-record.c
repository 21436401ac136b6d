/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/session-record.h"

#include "statedir/files/json-time.h"
#include "statedir/files/state-json.h"
#include "strings/strv.h"

#define VERSION   1
#define DIRECTORY "session"
/* A directory consists of some URLs and, in "meta", lists of words. One that is deeper or larger
 * than this is not saved, but downloaded after each start. With indentation it stays below
 * FILE_SIZE_MAX. */
#define DEPTH_MAX     5U
#define JSON_SIZE_MAX ((size_t)64 * 1024)
#define FILE_SIZE_MAX ((size_t)2 * 1024 * 1024)

void session_record_done(SessionRecord *record)
{
    json_decref(record->directory);
    strv_free(record->nonces);
    *record = (SessionRecord){ 0 };
}

static int make_key(const char *server, char key[STORAGE_KEY_SIZE])
{
    return storage_key(server, strlen(server), key);
}

static bool is_shallow(const json_t *value, unsigned depth)
{
    const char *name;
    json_t *member;
    size_t i;

    if (depth == 0)
        return false;
    json_array_foreach (value, i, member)
        if (!is_shallow(member, depth - 1))
            return false;
    /* Dropping const is safe: the macro only reads, but needs a mutable object. */
    json_object_foreach ((json_t *)(uintptr_t)value, name, member)
        if (!is_shallow(member, depth - 1))
            return false;
    return true;
}

static bool is_small(const json_t *directory)
{
    return is_shallow(directory, DEPTH_MAX) &&
           json_dumpb(directory, NULL, 0, JSON_COMPACT) <= JSON_SIZE_MAX;
}

int session_record_save(const char *state, const char *server, const json_t *directory, time_t now)
{
    json_auto_t *object = NULL;
    char key[STORAGE_KEY_SIZE];
    int r;

    if (!is_small(directory))
        return -E2BIG;
    object = json_pack("{si ss sO sI}", "version", VERSION, "server", server, "directory",
                       directory, "fetched", (json_int_t)now);
    r = object ? make_key(server, key) : -ENOMEM;
    return r < 0 ? r : state_json_save(state, DIRECTORY, key, object);
}

/* Returns 0; -ENOENT also for an invalid file; other -errno. */
static int session_record_load(const char *state, const char *key, const char *server, json_t **ret)
{
    json_auto_t *object = NULL;
    const char *of;
    int r = state_json_load(state, DIRECTORY, key, FILE_SIZE_MAX, &object);

    if (r < 0)
        return r == -EBADMSG ? -ENOENT : r;
    of = json_string_value(json_object_get(object, "server"));
    if (json_integer_value(json_object_get(object, "version")) != VERSION || !of ||
        !streq(of, server) || !json_is_object(json_object_get(object, "directory")))
        return -ENOENT;
    *ret = TAKE_PTR(object);
    return 0;
}

/* Times in the future, as after the clock was set back, are treated like those that are too old. */
static bool is_fresh(const json_t *object, const char *name, time_t now, time_t age_max)
{
    time_t when = json_time(json_object_get(object, name));

    return when <= now && now - when < age_max;
}

static json_t *pack_nonces(char *const *nonces)
{
    json_auto_t *list = json_array();
    size_t n = strv_length(nonces);

    for (size_t i = n > SESSION_NONCES_KEPT ? n - SESSION_NONCES_KEPT : 0; i < n; i++)
        if (json_array_append_new(list, json_string(nonces[i])) < 0)
            return NULL;
    return TAKE_PTR(list);
}

int session_record_add_nonces(const char *state, const char *server, char *const *nonces,
                              time_t now)
{
    json_auto_t *object = NULL;
    char key[STORAGE_KEY_SIZE];
    int r;

    r = make_key(server, key);
    if (r >= 0)
        r = session_record_load(state, key, server, &object);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (json_object_set_new(object, "nonces", pack_nonces(nonces)) < 0 ||
        json_object_set_new(object, "kept", json_integer(now)) < 0)
        return -ENOMEM;
    return state_json_save(state, DIRECTORY, key, object);
}

static int unpack_nonces(const json_t *list, char ***ret)
{
    _cleanup_strv_ char **nonces = NULL;
    size_t n = json_array_size(list);

    for (size_t i = 0; i < n && i < SESSION_NONCES_KEPT; i++) {
        const char *nonce = json_string_value(json_array_get(list, i));

        if (nonce && strv_extend(&nonces, nonce) < 0)
            return -ENOMEM;
    }
    *ret = TAKE_PTR(nonces);
    return 0;
}

/* Returns no nonces if they cannot be removed from the disk. */
static int take_nonces(const char *state, const char *key, json_t *object, time_t now, char ***ret)
{
    json_auto_t *nonces = json_incref(json_object_get(object, "nonces"));
    bool is_of_use = is_fresh(object, "kept", now, SESSION_NONCE_AGE_MAX);

    *ret = NULL;
    if (!nonces)
        return 0;
    (void)json_object_del(object, "nonces");
    (void)json_object_del(object, "kept");
    if (state_json_save(state, DIRECTORY, key, object) < 0 || !is_of_use)
        return 0;
    return unpack_nonces(nonces, ret);
}

int session_record_take(const char *state, const char *server, time_t now, SessionRecord *ret)
{
    json_auto_t *object = NULL;
    char **nonces;
    char key[STORAGE_KEY_SIZE];
    int r;

    r = make_key(server, key);
    if (r >= 0)
        r = session_record_load(state, key, server, &object);
    if (r < 0)
        return r;
    if (!is_fresh(object, "fetched", now, SESSION_DIRECTORY_AGE_MAX))
        return -ENOENT;
    r = take_nonces(state, key, object, now, &nonces);
    if (r < 0)
        return r;
    *ret = (SessionRecord){
        .directory = json_incref(json_object_get(object, "directory")),
        .fetched = json_time(json_object_get(object, "fetched")),
        .nonces = nonces,
    };
    return 0;
}

/* The content is at least as old as the file. */
static int session_record_is_over(const char *state, const char *key, time_t now)
{
    return state_json_is_old(state, DIRECTORY, key, now - SESSION_DIRECTORY_AGE_MAX);
}

int session_record_sweep(const char *state, time_t now)
{
    return state_json_sweep(state, DIRECTORY, session_record_is_over, now);
}
