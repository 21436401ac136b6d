/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/meta.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>

#include "base/io.h"
#include "statedir/files/atomic-file.h"
#include "statedir/files/json-strings.h"
#include "statedir/files/json-time.h"

#define VERSION       1
#define META_FILE     "meta.json"
#define FILE_SIZE_MAX ((size_t)16 * 1024)
#define FILE_MODE     0640

static const JsonString strings[] = {
    { "server", offsetof(StorageMeta, server), true },
    { "account", offsetof(StorageMeta, account), true },
    { "auth", offsetof(StorageMeta, auth), true },
    { "explanation", offsetof(StorageMeta, explanation), true },
};

static const struct {
    const char *name;
    size_t offset;
} times[] = {
    { "asked", offsetof(StorageMeta, asked) },
    { "windowStart", offsetof(StorageMeta, window_start) },
    { "windowEnd", offsetof(StorageMeta, window_end) },
    { "askAt", offsetof(StorageMeta, ask_at) },
};

static time_t *time_of(const StorageMeta *meta, size_t i)
{
    return (time_t *)(void *)((char *)(uintptr_t)meta + times[i].offset);
}

void storage_meta_done(StorageMeta *meta)
{
    json_strings_free(strings, ELEMENTSOF(strings), meta);
    *meta = (StorageMeta){ 0 };
}

/* meta.json names its certificate, because it and cert.pem cannot be replaced in one step. */
static const char *fingerprint(const Chain *chain, char buf[CHAIN_FINGERPRINT_SIZE])
{
    return chain_fingerprint(chain, buf) < 0 ? NULL : buf;
}

static int meta_unpack(const json_t *object, const Chain *chain, StorageMeta *meta)
{
    const char *certificate = json_string_value(json_object_get(object, "certificate"));
    char buf[CHAIN_FINGERPRINT_SIZE];
    const char *own = fingerprint(chain, buf);

    if (json_integer_value(json_object_get(object, "version")) != VERSION || !certificate || !own ||
        !streq(certificate, own))
        return -ENOENT;
    for (size_t i = 0; i < ELEMENTSOF(times); i++)
        *time_of(meta, i) = json_time(json_object_get(object, times[i].name));
    if (meta->window_start >= meta->window_end)
        meta->window_start = meta->window_end = 0;
    return json_strings_unpack(strings, ELEMENTSOF(strings), object, meta);
}

static int read_meta(int entry_fd, const Chain *chain, StorageMeta *meta)
{
    _cleanup_free_ char *text = NULL;
    json_auto_t *object = NULL;
    size_t size;
    int r = read_file_at(entry_fd, META_FILE, FILE_SIZE_MAX, &text, &size);

    if (r < 0)
        return r;
    object = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    return json_is_object(object) ? meta_unpack(object, chain, meta) : -ENOENT;
}

int storage_meta_load(const Storage *storage, const char *key, const Chain *chain, StorageMeta *ret)
{
    StorageMeta meta = { 0 };
    _cleanup_close_ int fd = storage_open_entry(storage, key);
    struct stat st;
    int r = fd < 0 ? fd : read_meta(fd, chain, &meta);

    if (r == -ENOMEM) {
        storage_meta_done(&meta);
        return r;
    }
    if (meta.asked <= 0)
        meta.asked = fd >= 0 && fstatat(fd, STORAGE_CERT_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0
                         ? st.st_mtime
                         : 0;
    *ret = meta;
    return 0;
}

static json_t *meta_pack(const StorageMeta *meta, const Chain *chain)
{
    char buf[CHAIN_FINGERPRINT_SIZE];
    json_t *object =
        json_pack("{siss}", "version", VERSION, "certificate", fingerprint(chain, buf));
    int r = object ? 0 : -ENOMEM;

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(times); i++)
        if (*time_of(meta, i) > 0)
            r = json_object_set_new(object, times[i].name, json_integer(*time_of(meta, i)));
    if (r >= 0)
        r = json_strings_pack(strings, ELEMENTSOF(strings), meta, object);
    if (r >= 0)
        return object;
    json_decref(object);
    return NULL;
}

int storage_meta_save(const Storage *storage, const char *key, const Chain *chain,
                      const StorageMeta *meta)
{
    json_auto_t *object = meta_pack(meta, chain);
    _cleanup_free_ char *text = NULL;
    _cleanup_close_ int fd = -EBADF;

    text = object ? json_dumps(object, JSON_SORT_KEYS | JSON_INDENT(4)) : NULL;
    if (!text)
        return -ENOMEM;
    fd = storage_open_entry(storage, key);
    return fd < 0 ? fd : atomic_replace_at(fd, META_FILE, text, strlen(text), FILE_MODE);
}
