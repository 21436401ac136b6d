/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage-meta.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>

#include "atomic-file.h"
#include "io.h"
#include "rfc3339.h"

#define VERSION       1
#define FILE_SIZE_MAX ((size_t)16 * 1024)

void storage_meta_done(StorageMeta *meta)
{
    free(meta->server);
    free(meta->auth);
    free(meta->explanation);
    *meta = (StorageMeta){ 0 };
}

static time_t get_time(const json_t *object, const char *name)
{
    return rfc3339_parse(json_string_value(json_object_get(object, name)));
}

/* Without memory it is not known. */
static char *get_string(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value && strlen(value) <= STORAGE_META_STRING_MAX ? strdup(value) : NULL;
}

static bool is_about(const json_t *object, const Chain *chain)
{
    const char *named = json_string_value(json_object_get(object, "certificate"));
    char fingerprint[CHAIN_FINGERPRINT_SIZE];

    chain_fingerprint(chain, fingerprint);
    return named && streq(named, fingerprint);
}

static void unpack(const json_t *object, StorageMeta *meta)
{
    const json_t *window = json_object_get(object, "window");

    *meta = (StorageMeta){
        .server = get_string(object, "server"),
        .auth = get_string(object, "auth"),
        .asked = get_time(object, "asked"),
        .window_start = get_time(window, "start"),
        .window_end = get_time(window, "end"),
        .explanation = get_string(object, "explanation"),
        .ask_at = get_time(object, "askAt"),
    };
    if (meta->window_start == 0 || meta->window_end <= meta->window_start)
        meta->window_start = meta->window_end = 0;
}

static bool load(int entry_fd, const Chain *chain, StorageMeta *ret)
{
    json_auto_t *object = NULL;
    _cleanup_free_ char *text = NULL;
    size_t size;

    if (read_file_at(entry_fd, STORAGE_META_FILE, FILE_SIZE_MAX, &text, &size) < 0)
        return false;
    object = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    /* Both files cannot be replaced in one step. */
    if (json_integer_value(json_object_get(object, "version")) != VERSION ||
        !is_about(object, chain))
        return false;
    unpack(object, ret);
    return true;
}

void storage_meta_load_at(int entry_fd, const Chain *chain, StorageMeta *ret)
{
    struct stat st;

    *ret = (StorageMeta){ 0 };
    (void)load(entry_fd, chain, ret);
    if (ret->asked == 0 && fstatat(entry_fd, STORAGE_CERT_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0)
        ret->asked = st.st_mtime;
}

void storage_meta_load(const Storage *storage, const char *key, const Chain *chain,
                       StorageMeta *ret)
{
    _cleanup_close_ int fd = storage_open_entry(storage, key);

    *ret = (StorageMeta){ 0 };
    if (fd >= 0)
        storage_meta_load_at(fd, chain, ret);
}

static int set_string(json_t *object, const char *name, const char *value)
{
    if (!value || strlen(value) > STORAGE_META_STRING_MAX)
        return 0;
    return json_object_set_new(object, name, json_string(value)) < 0 ? -ENOMEM : 0;
}

static int set_time(json_t *object, const char *name, time_t value)
{
    char text[RFC3339_SIZE];

    return value ? set_string(object, name, rfc3339_format(value, text)) : 0;
}

static int set_window(json_t *object, const StorageMeta *meta)
{
    json_t *window;
    int r;

    if (meta->window_start == 0)
        return 0;
    window = json_object();
    if (!window || json_object_set_new(object, "window", window) < 0)
        return -ENOMEM;
    r = set_time(window, "start", meta->window_start);
    return r < 0 ? r : set_time(window, "end", meta->window_end);
}

static int pack(json_t *object, const StorageMeta *meta)
{
    const struct {
        const char *name, *value;
    } strings[] = {
        { "server", meta->server },
        { "auth", meta->auth },
        { "explanation", meta->explanation },
    };
    int r = set_window(object, meta);

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(strings); i++)
        r = set_string(object, strings[i].name, strings[i].value);
    if (r >= 0)
        r = set_time(object, "asked", meta->asked);
    return r < 0 ? r : set_time(object, "askAt", meta->ask_at);
}

int storage_meta_save(const Storage *storage, const char *key, const Chain *chain,
                      const StorageMeta *meta)
{
    char fingerprint[CHAIN_FINGERPRINT_SIZE];
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *text = NULL;
    json_auto_t *object = NULL;
    int r;

    if (storage->type == STORAGE_NONE)
        return 0;
    chain_fingerprint(chain, fingerprint);
    object = json_pack("{si ss}", "version", VERSION, "certificate", fingerprint);
    r = object ? pack(object, meta) : -ENOMEM;
    if (r < 0)
        return r;
    text = json_dumps(object, JSON_SORT_KEYS | JSON_INDENT(4));
    if (!text)
        return -ENOMEM;
    fd = storage_open_entry(storage, key);
    return fd < 0 ? fd
                  : atomic_replace_at(fd, STORAGE_META_FILE, text, strlen(text), STORAGE_FILE_MODE);
}
