/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "order-record.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>

#include "atomic-file.h"
#include "encode.h"
#include "io.h"
#include "strv.h"

#define VERSION        1
#define DIRECTORY_MODE 0700
#define FILE_MODE      0600
/* A request of max-size at its largest, in base64, with a chain and the rest. */
#define FILE_SIZE_MAX ((size_t)24 * 1024 * 1024)
#define SUFFIX        ".json"
#define NAME_SIZE     (STORAGE_KEY_SIZE + STRLEN(SUFFIX))

static const char *const stages[] = {
    [ORDER_STAGE_NEW] = "new",
    [ORDER_STAGE_PLACED] = "placed",
    [ORDER_STAGE_FINALIZING] = "finalizing",
    [ORDER_STAGE_ISSUED] = "issued",
};

/* The members that are plain strings. */
static const struct {
    const char *name;
    size_t offset;
    bool optional;
} strings[] = {
    { "server", offsetof(OrderRecord, server), false },
    { "auth", offsetof(OrderRecord, auth), false },
    { "requestId", offsetof(OrderRecord, request_id), false },
    { "client", offsetof(OrderRecord, client), true },
    { "order", offsetof(OrderRecord, url), true },
    { "finalize", offsetof(OrderRecord, finalize_url), true },
    { "chain", offsetof(OrderRecord, chain), true },
};

static char **string_of(const OrderRecord *record, size_t i)
{
    return (char **)(void *)((char *)(uintptr_t)record + strings[i].offset);
}

void order_record_done(OrderRecord *record)
{
    for (size_t i = 0; i < ELEMENTSOF(strings); i++)
        free(*string_of(record, i));
    free(record->body);
    *record = (OrderRecord){ 0 };
}

static int open_directory(const char *state)
{
    _cleanup_free_ char *path = NULL;

    if (asprintf(&path, "%s/orders", state) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    return directory_open(path, DIRECTORY_MODE);
}

static const char *file_name(const char *key, char buf[NAME_SIZE])
{
    (void)snprintf(buf, NAME_SIZE, "%s" SUFFIX, key);
    return buf;
}

static json_t *pack(const OrderRecord *record)
{
    _cleanup_free_ char *csr = base64_encode(record->body, record->body_size);
    json_t *object = csr ? json_pack("{si ss sI sI sI ss}", "version", VERSION, "stage",
                                     stages[record->stage], "created", (json_int_t)record->created,
                                     "issued", (json_int_t)record->issued, "expires",
                                     (json_int_t)record->expires, "csr", csr)
                         : NULL;

    for (size_t i = 0; object && i < ELEMENTSOF(strings); i++) {
        const char *value = *string_of(record, i);

        if (value && json_object_set_new(object, strings[i].name, json_string(value)) < 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

int order_record_save(const char *state, const char *key, const OrderRecord *record)
{
    _cleanup_close_ int fd = open_directory(state);
    json_auto_t *object = NULL;
    _cleanup_free_ char *text = NULL;
    char name[NAME_SIZE];

    if (fd < 0)
        return fd;
    object = pack(record);
    text = object ? json_dumps(object, JSON_SORT_KEYS | JSON_INDENT(4)) : NULL;
    if (!text)
        return -ENOMEM;
    return atomic_replace_at(fd, file_name(key, name), text, strlen(text), FILE_MODE);
}

static int unpack_stage(const json_t *object, OrderStage *ret)
{
    const char *name = json_string_value(json_object_get(object, "stage"));

    for (size_t i = 0; name && i < ELEMENTSOF(stages); i++)
        if (streq(stages[i], name)) {
            *ret = (OrderStage)i;
            return 0;
        }
    return -EBADMSG;
}

static int unpack_strings(const json_t *object, OrderRecord *record)
{
    for (size_t i = 0; i < ELEMENTSOF(strings); i++) {
        const char *value = json_string_value(json_object_get(object, strings[i].name));
        char **string = string_of(record, i);

        if (!value && !strings[i].optional)
            return -EBADMSG;
        *string = value ? strdup(value) : NULL;
        if (value && !*string)
            return -ENOMEM;
    }
    return 0;
}

/* What a stage promises has to be there. */
static bool is_whole(const OrderRecord *record)
{
    switch (record->stage) {
    case ORDER_STAGE_NEW:
        return true;
    case ORDER_STAGE_PLACED:
    case ORDER_STAGE_FINALIZING:
        return record->url && record->finalize_url;
    case ORDER_STAGE_ISSUED:
        return record->chain;
    }
    return false;
}

static int unpack(const json_t *object, OrderRecord *record)
{
    const json_t *csr = json_object_get(object, "csr");
    json_int_t version = json_integer_value(json_object_get(object, "version"));
    uint8_t *body;
    int r;

    if (version != VERSION)
        return version > VERSION ? -EPROTONOSUPPORT : -EBADMSG;
    r = unpack_stage(object, &record->stage);
    if (r < 0)
        return r;
    record->created = json_integer_value(json_object_get(object, "created"));
    record->issued = json_integer_value(json_object_get(object, "issued"));
    record->expires = json_integer_value(json_object_get(object, "expires"));
    r = unpack_strings(object, record);
    if (r < 0)
        return r;
    r = json_is_string(csr) ? base64_decode(json_string_value(csr), json_string_length(csr), &body,
                                            &record->body_size)
                            : -EINVAL;
    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    record->body = (char *)body;
    return is_whole(record) ? 0 : -EBADMSG;
}

int order_record_load(const char *state, const char *key, OrderRecord *ret)
{
    _cleanup_(order_record_done) OrderRecord record = { 0 };
    _cleanup_close_ int fd = open_directory(state);
    json_auto_t *object = NULL;
    _cleanup_free_ char *text = NULL;
    char name[NAME_SIZE];
    size_t size;
    int r;

    if (fd < 0)
        return fd;
    r = read_file_at(fd, file_name(key, name), FILE_SIZE_MAX, &text, &size);
    if (r < 0)
        return r == -EFBIG ? -EBADMSG : r;
    object = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    r = unpack(object, &record);
    if (r < 0)
        return r;
    *ret = record;
    record = (OrderRecord){ 0 };
    return 0;
}

int order_record_remove(const char *state, const char *key)
{
    _cleanup_close_ int fd = open_directory(state);
    char name[NAME_SIZE];

    if (fd < 0)
        return fd;
    return unlinkat(fd, file_name(key, name), 0) < 0 && errno != ENOENT ? -errno : 0;
}

static bool is_key(const char *name, size_t length)
{
    return length == STORAGE_KEY_SIZE - 1 && strspn(name, "0123456789abcdef") == length;
}

int order_record_list(const char *state, char ***ret)
{
    _cleanup_closedir_ DIR *directory = NULL;
    _cleanup_strv_ char **keys = NULL;
    const struct dirent *entry;
    int fd = open_directory(state), r;

    if (fd < 0)
        return fd;
    directory = fdopendir(fd);
    if (!directory) {
        r = -errno;
        (void)safe_close(fd);
        return r;
    }
    r = atomic_clean_at(fd);
    if (r < 0)
        return r;
    while ((entry = readdir(directory))) {
        _cleanup_free_ char *key = NULL;
        const char *dot = strchr(entry->d_name, '.');

        if (!dot || !streq(dot, SUFFIX) || !is_key(entry->d_name, (size_t)(dot - entry->d_name)))
            continue;
        key = strndup(entry->d_name, STORAGE_KEY_SIZE - 1);
        if (!key)
            return -ENOMEM;
        r = strv_extend(&keys, key);
        if (r < 0)
            return r;
    }
    strv_sort(keys);
    *ret = TAKE_PTR(keys);
    return 0;
}
