/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/file.h"

#include <fcntl.h>

#include "base/credential.h"
#include "base/file-stamp.h"
#include "base/io.h"
#include "config/key-files.h"
#include "loading/dropins.h"
#include "loading/ini.h"
#include "loading/load.h"
#include "log/log.h"
#include "strings/strv.h"

/* The state of the files before they were read. */
typedef struct Snapshot {
    char **paths;
    FileStamp *stamps;
    size_t n;
    bool is_fresh;    /* a second change could leave the same stamps, … */
    uint64_t content; /* … but another hash of the content */
} Snapshot;

struct ConfigFile {
    char *path;
    Snapshot snapshot; /* the main file, its .d directory, the files in it; empty at first */
    bool reads_keys;
    Snapshot keys; /* the key files of the configuration that was read last */
    Config *config;
    bool is_broken; /* the last load failed */
};

static void snapshot_done(Snapshot *snapshot)
{
    strv_free(snapshot->paths);
    free(snapshot->stamps);
    *snapshot = (Snapshot){ 0 };
}

static int list_paths(const char *path, char ***ret)
{
    _cleanup_free_ char *directory = config_dropin_directory(path);
    _cleanup_strv_ char **paths = NULL, **dropins = NULL;
    int r;

    if (!directory)
        return -ENOMEM;
    r = strv_extend(&paths, path);
    if (r < 0)
        return r;
    r = strv_extend(&paths, directory);
    if (r < 0)
        return r;
    /* config_load() reports a directory that cannot be read. */
    r = config_list_dropins(directory, &dropins);
    if (r == -ENOMEM)
        return r;
    STRV_FOREACH (dropin, dropins) {
        r = strv_extend(&paths, *dropin);
        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(paths);
    return 0;
}

/* FNV-1a: tells two versions of a file apart, and keeps libcrypto out. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_file(uint64_t hash, const char *path)
{
    _cleanup_free_ char *content = NULL;
    size_t size = 0;
    int r = read_file_at(AT_FDCWD, path, INI_FILE_SIZE_MAX, &content, &size);

    hash = hash_bytes(hash, &r, sizeof(r));
    if (r < 0)
        return hash;
    hash = hash_bytes(hash, content, size);
    explicit_bzero(content, size); /* keys */
    return hash;
}

/* The names, as a file may appear in the tick of the last change. Not a directory: nothing. */
static uint64_t hash_directory(uint64_t hash, const char *path)
{
    _cleanup_strv_ char **dropins = NULL;

    (void)config_list_dropins(path, &dropins);
    STRV_FOREACH (dropin, dropins)
        hash = hash_bytes(hash, *dropin, strlen(*dropin) + 1);
    return hash;
}

static uint64_t snapshot_hash(const Snapshot *snapshot)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    STRV_FOREACH (path, snapshot->paths)
        hash = hash_directory(hash_file(hash, *path), *path);
    return hash;
}

/* Whether a second change of one of the files could still leave the same stamp. */
static bool snapshot_is_fresh(const Snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->n; i++)
        if (file_stamp_is_fresh(&snapshot->stamps[i]))
            return true;
    return false;
}

/* Takes ownership of @paths. */
static int snapshot_take(char **paths, Snapshot *ret)
{
    _cleanup_(snapshot_done)
        Snapshot snapshot = { .paths = paths, .n = paths ? strv_length(paths) : 0 };

    snapshot.stamps = calloc(snapshot.n + 1, sizeof(*snapshot.stamps));
    if (!snapshot.stamps)
        return -ENOMEM;
    for (size_t i = 0; i < snapshot.n; i++)
        snapshot.stamps[i] = file_stamp_take(snapshot.paths[i]);

    snapshot.is_fresh = snapshot_is_fresh(&snapshot);
    if (snapshot.is_fresh)
        snapshot.content = snapshot_hash(&snapshot);

    snapshot_done(ret);
    *ret = snapshot;
    snapshot = (Snapshot){ 0 };
    return 0;
}

static bool snapshot_is_current(Snapshot *snapshot)
{
    bool is_fresh;

    for (size_t i = 0; i < snapshot->n; i++) {
        FileStamp stamp = file_stamp_take(snapshot->paths[i]);

        if (!file_stamp_equal(&stamp, &snapshot->stamps[i]))
            return false;
    }
    if (!snapshot->is_fresh)
        return true;
    /* Before the content is read: once the tick is over the stamps are enough. */
    is_fresh = snapshot_is_fresh(snapshot);
    if (snapshot_hash(snapshot) != snapshot->content)
        return false;
    snapshot->is_fresh = is_fresh;
    return true;
}

void config_log_finding(int level, const char *file, unsigned line, const char *text,
                        void *userdata)
{
    bool refuses = level == LOG_ERR;
    LogEvent event = refuses ? LOG_EVENT_CONFIG_ERROR : LOG_EVENT_CONFIG_WARNING;
    const char *kind = refuses ? "error" : "warning";

    (void)userdata;
    if (line > 0)
        log_event(event, NULL, "%s:%u: %s: %s", file, line, kind, text);
    else
        log_event(event, NULL, "%s: %s: %s", file, kind, text);
}

static int list_keys(const Config *config, char ***ret)
{
    _cleanup_strv_ char **paths = NULL;

    for (size_t i = 0; i < config->n_verifications; i++) {
        const char *path = config->verifications[i]->tsig_key_file;
        int r = path ? strv_extend(&paths, path) : 0;

        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(paths);
    return 0;
}

static int snapshot_keys(ConfigFile *file, const Config *config)
{
    char **paths = NULL;
    int r = config ? list_keys(config, &paths) : 0;

    return r < 0 ? r : snapshot_take(paths, &file->keys);
}

/* The key files of a refused configuration are unknown. Those of the previous one stay in the
 * snapshot: otherwise a change of one would be noticed again at each look. */
static int load_with_keys(ConfigFile *file, Config **ret)
{
    _cleanup_(config_unrefp) Config *config = NULL;
    int r = config_load(file->path, config_log_finding, NULL, &config);
    int taken = snapshot_keys(file, r < 0 ? file->config : config);

    if (r >= 0)
        r = taken;
    if (r >= 0)
        r = key_files_read(config, config_log_finding, NULL);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(config);
    return 0;
}

/* Takes the snapshot first, so that the next look notices a change during the read. Keeps it even
 * if the files are broken, so that each finding is logged once. */
static int load_changed(ConfigFile *file)
{
    _cleanup_(config_unrefp) Config *config = NULL;
    char **paths = NULL;
    int r = list_paths(file->path, &paths);

    if (r >= 0)
        r = snapshot_take(paths, &file->snapshot);
    if (r >= 0)
        r = file->reads_keys ? load_with_keys(file, &config)
                             : config_load(file->path, config_log_finding, NULL, &config);
    if (r < 0)
        return r;
    config_unref(file->config);
    file->config = TAKE_PTR(config);
    log_set_max_level(file->config->log_level);
    return 0;
}

static int config_file_load(ConfigFile *file)
{
    int r = load_changed(file);

    file->is_broken = r < 0;
    return r;
}

bool config_file_is_broken(const ConfigFile *file)
{
    return file->is_broken;
}

const char *config_file_default(char buf[PATH_MAX])
{
    return credential_path("acmems.ini", CONFIG_FILE_DEFAULT, buf);
}

static int config_file_new(const char *path, ConfigFile **ret)
{
    _cleanup_(config_file_freep) ConfigFile *file = calloc(1, sizeof(*file));

    if (!file)
        return -ENOMEM;
    file->path = strdup(path);
    if (!file->path)
        return -ENOMEM;
    *ret = TAKE_PTR(file);
    return 0;
}

int config_file_open(const char *path, ConfigFile **ret)
{
    _cleanup_(config_file_freep) ConfigFile *file = NULL;
    int r = config_file_new(path, &file);

    if (r < 0)
        return r;
    r = config_file_load(file);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(file);
    return 0;
}

/* The findings before this entry say what the errors are. */
static void log_refused(const ConfigFile *file, int error)
{
    const char *why = error == -EINVAL ? "it has errors" : strerror(-error);

    if (file->config)
        (void)log_event_errno(
            LOG_EVENT_CONFIG_KEPT, error,
            "Failed to load the changed configuration %s, acmems keeps the previous one: %s",
            file->path, why);
    else
        (void)log_event_errno(LOG_EVENT_CONFIG_AWAITED, error,
                              "Failed to load the configuration %s, waiting for it to be fixed: %s",
                              file->path, why);
}

static int watch(const char *path, bool reads_keys, ConfigFile **ret)
{
    ConfigFile *file;
    int r = config_file_new(path, &file);

    if (r < 0)
        return r;
    file->reads_keys = reads_keys;
    r = config_file_load(file);
    if (r < 0)
        log_refused(file, r);
    *ret = file;
    return 0;
}

int config_file_watch(const char *path, ConfigFile **ret)
{
    return watch(path, false, ret);
}

int config_file_watch_keys(const char *path, ConfigFile **ret)
{
    return watch(path, true, ret);
}

ConfigFile *config_file_free(ConfigFile *file)
{
    if (!file)
        return NULL;
    snapshot_done(&file->snapshot);
    snapshot_done(&file->keys);
    config_unref(file->config);
    free(file->path);
    free(file);
    return NULL;
}

Config *config_file_get(ConfigFile *file)
{
    int r;

    if (file->snapshot.n > 0 && snapshot_is_current(&file->snapshot) &&
        snapshot_is_current(&file->keys))
        return file->config;
    r = config_file_load(file);
    if (r < 0)
        log_refused(file, r);
    else
        log_event(LOG_EVENT_CONFIG_READ, NULL, "Read the changed configuration %s", file->path);
    return file->config;
}
