/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config-file.h"

#include <sys/stat.h>

#include "clock.h"
#include "credential.h"
#include "log.h"
#include "strv.h"

/* A file, or that there is none. */
typedef struct Stamp {
    bool exists;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec mtime, ctime;
} Stamp;

/* What the files looked like before they were read. */
typedef struct Snapshot {
    char **paths; /* the main file, its .d directory, the files in it */
    Stamp *stamps;
    size_t n;
} Snapshot;

struct ConfigFile {
    char *path;
    Snapshot snapshot;
    Config *config;
};

static void snapshot_done(Snapshot *snapshot)
{
    strv_free(snapshot->paths);
    free(snapshot->stamps);
    *snapshot = (Snapshot){ 0 };
}

static Stamp stamp_take(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return (Stamp){ .exists = false };
    return (Stamp){
        .exists = true,
        .device = st.st_dev,
        .inode = st.st_ino,
        .size = st.st_size,
        .mtime = st.st_mtim,
        .ctime = st.st_ctim,
    };
}

static bool time_equal(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool stamp_equal(const Stamp *a, const Stamp *b)
{
    return a->exists == b->exists && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && time_equal(&a->mtime, &b->mtime) &&
           time_equal(&a->ctime, &b->ctime);
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
    /* A directory that cannot be read is config_load()'s to complain of. */
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

/* Whether one of the stamps was made in the clock tick that is not over yet. */
static bool is_fresh(const Snapshot *snapshot, const struct timespec *now)
{
    for (size_t i = 0; i < snapshot->n; i++)
        if (time_equal(&snapshot->stamps[i].ctime, now))
            return true;
    return false;
}

static int snapshot_take(const char *path, Snapshot *ret)
{
    _cleanup_(snapshot_done) Snapshot snapshot = { 0 };
    struct timespec now;
    int r = list_paths(path, &snapshot.paths);

    if (r < 0)
        return r;
    snapshot.n = strv_length(snapshot.paths);
    snapshot.stamps = calloc(snapshot.n, sizeof(*snapshot.stamps));
    if (!snapshot.stamps)
        return -ENOMEM;
    for (size_t i = 0; i < snapshot.n; i++)
        snapshot.stamps[i] = stamp_take(snapshot.paths[i]);

    /* File times stand still for some milliseconds: a second change within them would look like the
     * first. So what is read now is read when that time is over. */
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (is_fresh(&snapshot, &now))
        (void)nanosleep(&(struct timespec){ .tv_nsec = 10000000L }, NULL);

    *ret = snapshot;
    snapshot = (Snapshot){ 0 };
    return 0;
}

static bool snapshot_is_current(const Snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->n; i++) {
        Stamp stamp = stamp_take(snapshot->paths[i]);

        if (!stamp_equal(&stamp, &snapshot->stamps[i]))
            return false;
    }
    return snapshot->n > 0;
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

/* The snapshot comes first: what changes while it is read is seen at the next look. It is kept even
 * if the files turn out broken, so that they are complained of once. */
static int load(ConfigFile *file)
{
    Snapshot snapshot;
    Config *config;
    int r = snapshot_take(file->path, &snapshot);

    if (r < 0)
        return r;
    snapshot_done(&file->snapshot);
    file->snapshot = snapshot;

    r = config_load(file->path, config_log_finding, NULL, &config);
    if (r < 0)
        return r;
    config_unref(file->config);
    file->config = config;
    log_set_max_level(config->log_level);
    return 0;
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
    r = load(file);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(file);
    return 0;
}

static void log_refused(const ConfigFile *file, int error)
{
    if (file->config)
        (void)log_event_errno(LOG_EVENT_CONFIG_KEPT, error,
                              "The changed configuration %s cannot be used, the one before "
                              "stays in force: %m",
                              file->path);
    else
        (void)log_event_errno(LOG_EVENT_CONFIG_AWAITED, error,
                              "The configuration %s cannot be used, nothing can be done until it "
                              "is mended: %m",
                              file->path);
}

int config_file_watch(const char *path, ConfigFile **ret)
{
    ConfigFile *file;
    int r = config_file_new(path, &file);

    if (r < 0)
        return r;
    r = load(file);
    if (r < 0)
        log_refused(file, r);
    *ret = file;
    return 0;
}

ConfigFile *config_file_free(ConfigFile *file)
{
    if (!file)
        return NULL;
    snapshot_done(&file->snapshot);
    config_unref(file->config);
    free(file->path);
    free(file);
    return NULL;
}

Config *config_file_get(ConfigFile *file)
{
    int r;

    if (snapshot_is_current(&file->snapshot))
        return file->config;
    r = load(file);
    if (r < 0)
        log_refused(file, r);
    else
        log_event(LOG_EVENT_CONFIG_READ, NULL, "Read the changed configuration %s", file->path);
    return file->config;
}
