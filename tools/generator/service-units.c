/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator/service-units.h"

#include "base/macro.h"
#include "base/path.h"
#include "statedir/files/runtime-path.h"
#include "statedir/revoked-key.h"

#define SECTION "Service"

/* A missing directory must not prevent the start of the service. */
#define OPTIONAL "-"

/* The part of the file system a path belongs to, as the sandboxes see it. */
typedef enum PathPlace {
    PLACE_STATE, /* the default directories of the units */
    PLACE_RUNTIME,
    PLACE_HOME, /* ProtectHome= */
    PLACE_TMP,  /* PrivateTmp= */
    PLACE_RUN,  /* empty in the sandboxes of the handlers */
    PLACE_OTHER,
    PLACE_MAX,
} PathPlace;

typedef enum Access { ORDERD_WRITES, ORDERD_READS, SIGN_READS, ACCESS_MAX } Access;

/* The first entry that contains the path counts. */
static const struct {
    const char *directory;
    PathPlace place;
} places[] = {
    { STATE_DIRECTORY_DEFAULT, PLACE_STATE },
    { RUNTIME_DIRECTORY_DEFAULT, PLACE_RUNTIME },
    { "/run/user", PLACE_HOME },
    { "/home", PLACE_HOME },
    { "/root", PLACE_HOME },
    { "/tmp", PLACE_TMP },
    { "/var/tmp", PLACE_TMP },
    { "/run", PLACE_RUN },
    { "/var/run", PLACE_RUN },
};

/* NULL: the unit needs no change. */
static const char *const settings[ACCESS_MAX][PLACE_MAX] = {
    [ORDERD_WRITES] = {
        [PLACE_HOME] = "BindPaths",
        [PLACE_TMP] = "BindPaths",
        [PLACE_RUN] = "ReadWritePaths",
        [PLACE_OTHER] = "ReadWritePaths",
    },
    [ORDERD_READS] = {
        [PLACE_HOME] = "BindReadOnlyPaths",
        [PLACE_TMP] = "BindReadOnlyPaths",
        [PLACE_RUN] = "ReadOnlyPaths",
        [PLACE_OTHER] = "ReadOnlyPaths",
    },
    [SIGN_READS] = {
        [PLACE_RUNTIME] = "BindReadOnlyPaths",
        [PLACE_HOME] = "BindReadOnlyPaths",
        [PLACE_TMP] = "BindReadOnlyPaths",
        [PLACE_RUN] = "BindReadOnlyPaths",
        [PLACE_OTHER] = "ReadOnlyPaths",
    },
};

/* The drop-in of one service. */
typedef struct Sandbox {
    UnitFile file;
    bool home_is_open;
} Sandbox;

static void sandbox_done(Sandbox *sandbox)
{
    unit_file_done(&sandbox->file);
}

typedef struct Paths {
    const char **list;
    size_t n;
} Paths;

static void paths_done(Paths *paths)
{
    free(paths->list);
}

static int paths_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Collects the directories of all storages and the @others, each directory once. */
static int paths_collect(Paths *ret, const Config *config, const char *const *others, size_t n)
{
    const char **list = calloc(config->n_storages + n + 1, sizeof(*list));
    size_t count = 0;

    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        list[count++] = others[i];
    for (size_t i = 0; i < config->n_storages; i++)
        if (config->storages[i]->directory)
            list[count++] = config->storages[i]->directory;
    qsort(list, count, sizeof(*list), paths_compare);
    ret->list = list;
    for (size_t i = 0; i < count; i++)
        if (ret->n == 0 || !streq(list[ret->n - 1], list[i]))
            list[ret->n++] = list[i];
    return 0;
}

static PathPlace place_of(const char *path)
{
    for (size_t i = 0; i < ELEMENTSOF(places); i++)
        if (path_is_below(path, places[i].directory))
            return places[i].place;
    return PLACE_OTHER;
}

/* Nothing can be mounted below ProtectHome=yes; an empty read-only tmpfs hides as much. */
static void bind_path(Sandbox *sandbox, const char *setting, const char *path)
{
    if (place_of(path) == PLACE_HOME && !sandbox->home_is_open) {
        unit_file_set(&sandbox->file, SECTION, "ProtectHome", "tmpfs");
        sandbox->home_is_open = true;
    }
    unit_file_add_word(&sandbox->file, SECTION, setting, OPTIONAL, path);
}

static void grant(Sandbox *sandbox, Access access, const char *path)
{
    const char *setting = settings[access][place_of(path)];

    if (setting)
        bind_path(sandbox, setting, path);
}

static bool has_own_runtime(const Config *config)
{
    return !path_is_below(RUNTIME_DIRECTORY_DEFAULT, config->runtime_directory) ||
           !path_is_below(config->runtime_directory, RUNTIME_DIRECTORY_DEFAULT);
}

static int write_orderd_socket(const UnitDirectory *where, const Config *config)
{
    _cleanup_(unit_file_done) UnitFile file = { 0 };
    _cleanup_free_ char *path = runtime_socket_path(config->runtime_directory);
    int r;

    if (!path)
        return -ENOMEM;
    if (!has_own_runtime(config))
        return 0;
    r = unit_file_open(&file, where);
    if (r < 0)
        return r;
    unit_file_set(&file, "Socket", "ListenStream", ""); /* removes the address of the unit */
    unit_file_set(&file, "Socket", "ListenStream", path);
    return unit_file_write_drop_in(&file, "acmems-orderd.socket");
}

/* Grants access to the files of the administrator that an account needs. */
static void grant_account(Sandbox *sandbox, const AccountBlock *account)
{
    if (account->ca_file)
        grant(sandbox, ORDERD_READS, account->ca_file);
    if (account->external.hmac_key_file)
        grant(sandbox, ORDERD_READS, account->external.hmac_key_file);
}

static int write_orderd(const UnitDirectory *where, const Config *config)
{
    _cleanup_free_ const char **others = calloc(config->n_accounts + 2, sizeof(*others));
    _cleanup_(sandbox_done) Sandbox sandbox = { 0 };
    _cleanup_(paths_done) Paths paths = { 0 };
    size_t n = 0;
    int r;

    if (!others)
        return -ENOMEM;
    others[n++] = config->state_directory;
    others[n++] = config->runtime_directory;
    for (size_t i = 0; i < config->n_accounts; i++)
        if (config->accounts[i]->directory)
            others[n++] = config->accounts[i]->directory;
    r = paths_collect(&paths, config, others, n);
    if (r >= 0)
        r = unit_file_open(&sandbox.file, where);
    if (r < 0)
        return r;
    for (size_t i = 0; i < paths.n; i++)
        grant(&sandbox, ORDERD_WRITES, paths.list[i]);
    for (size_t i = 0; i < config->n_accounts; i++)
        grant_account(&sandbox, config->accounts[i]);
    for (size_t i = 0; i < config->n_verifications; i++)
        if (config->verifications[i]->tsig_key_file)
            grant(&sandbox, ORDERD_READS, config->verifications[i]->tsig_key_file);
    return unit_file_write_drop_in(&sandbox.file, "acmems-orderd.service");
}

/* A handler has two units: one for all connections, one for a single connection. */
static int write_handler(Sandbox *sandbox, const char *service, const char *template)
{
    int r = unit_file_write_drop_in(&sandbox->file, service);

    return r < 0 ? r : unit_file_write_drop_in(&sandbox->file, template);
}

static bool is_around_any(const char *directory, const Paths *paths)
{
    for (size_t i = 0; i < paths->n; i++)
        if (path_is_below(paths->list[i], directory))
            return true;
    return false;
}

/* Whether the unit does not hide the directory of an account yet and the drop-in can: it cannot
 * hide a directory that contains a storage. */
static bool account_shows(const char *directory, const Paths *storages)
{
    PathPlace place = place_of(directory);

    return (place == PLACE_STATE || place == PLACE_OTHER) &&
           !path_is_below(directory, STATE_DIRECTORY_DEFAULT "/account") &&
           !path_is_below(directory, STATE_DIRECTORY_DEFAULT "/accounts") &&
           !is_around_any(directory, storages);
}

static bool is_below_any(const char *path, const Paths *directories)
{
    for (size_t i = 0; i < directories->n; i++)
        if (path_is_below(path, directories->list[i]))
            return true;
    return false;
}

/* Whether a handler that sees @shown could see the key: the units hide the other places. */
static bool key_shows(const char *path, const Paths *shown)
{
    PathPlace place = place_of(path);

    return !path_is_below(path, CONFIG_KEY_DIRECTORY) &&
           (place == PLACE_STATE || place == PLACE_RUNTIME || place == PLACE_OTHER ||
            is_below_any(path, shown));
}

static void hide_key(Sandbox *sandbox, const char *path, const Paths *shown)
{
    if (path && key_shows(path, shown))
        bind_path(sandbox, "InaccessiblePaths", path);
}

/* Makes inaccessible what the file modes protect already. @shown: the directories that the handler
 * reads. */
static void hide_keys(Sandbox *sandbox, const Config *config, const Paths *shown)
{
    for (size_t i = 0; i < config->n_accounts; i++) {
        const AccountBlock *account = config->accounts[i];

        if (account->directory && account_shows(account->directory, shown))
            bind_path(sandbox, "InaccessiblePaths", account->directory);
        hide_key(sandbox, account->external.hmac_key_file, shown);
    }
    for (size_t i = 0; i < config->n_verifications; i++)
        hide_key(sandbox, config->verifications[i]->tsig_key_file, shown);
}

static char *revoked_keys_path(const Config *config)
{
    char *path;

    return asprintf(&path, "%s/" REVOKED_KEYS_DIRECTORY, config->state_directory) < 0 ? NULL : path;
}

static int write_sign(const UnitDirectory *where, const Config *config)
{
    _cleanup_free_ char *challenges = runtime_challenges_path(config->runtime_directory);
    _cleanup_free_ char *revoked = revoked_keys_path(config);
    const char *const others[] = { revoked };
    _cleanup_(sandbox_done) Sandbox sandbox = { 0 };
    _cleanup_(paths_done) Paths paths = { 0 };
    int r = challenges && revoked ? paths_collect(&paths, config, others, 1) : -ENOMEM;

    if (r < 0)
        return r;
    r = unit_file_open(&sandbox.file, where);
    if (r < 0)
        return r;
    if (has_own_runtime(config))
        bind_path(&sandbox, "BindReadOnlyPaths", config->runtime_directory);
    for (size_t i = 0; i < paths.n; i++)
        grant(&sandbox, SIGN_READS, paths.list[i]);
    if (has_own_runtime(config))
        bind_path(&sandbox, "InaccessiblePaths", challenges);
    hide_keys(&sandbox, config, &paths);
    return write_handler(&sandbox, "acmems-mgmt.service", "acmems-mgmt@.service");
}

/* Gives a handler the directory of the challenges of one kind. */
static int add_challenges(Sandbox *sandbox, const Config *config, const char *kind)
{
    _cleanup_free_ char *path = runtime_challenge_path(config->runtime_directory, kind);

    if (!path)
        return -ENOMEM;
    unit_file_add_word(&sandbox->file, SECTION, "Environment", "ACMEMS_CHALLENGES=", path);
    bind_path(sandbox, "BindReadOnlyPaths", path);
    return 0;
}

/* The front servers of all blocks, separated by commas: one program serves all blocks. */
static int format_proxies(const Config *config, char **ret)
{
    _cleanup_free_ char *list = NULL;

    for (size_t i = 0; i < config->n_verifications; i++)
        for (size_t j = 0; j < config->verifications[i]->n_proxies; j++) {
            char text[ADDRESS_PREFIX_SIZE];
            char *longer;

            (void)address_prefix_format(&config->verifications[i]->proxies[j], text);
            if (asprintf(&longer, "%s%s%s", list ? list : "", list ? "," : "", text) < 0)
                return -ENOMEM;
            free(list);
            list = longer;
        }
    *ret = TAKE_PTR(list);
    return 0;
}

static int write_http01(const UnitDirectory *where, const Config *config)
{
    _cleanup_(sandbox_done) Sandbox sandbox = { 0 };
    _cleanup_free_ char *proxies = NULL;
    int r = format_proxies(config, &proxies);

    if (r >= 0)
        r = unit_file_open(&sandbox.file, where);
    if (r >= 0 && has_own_runtime(config))
        r = add_challenges(&sandbox, config, "http-01");
    if (r >= 0 && proxies)
        unit_file_add_word(&sandbox.file, SECTION, "Environment",
                           "ACMEMS_PROXY_PROTOCOL=", proxies);
    if (r < 0)
        return r;
    hide_keys(&sandbox, config, &(Paths){ 0 });
    return write_handler(&sandbox, "acmems-http01.service", "acmems-http01@.service");
}

/* All blocks have the same value. */
static const Verification *find_passthrough(const Config *config)
{
    for (size_t i = 0; i < config->n_verifications; i++)
        if (config->verifications[i]->passthrough)
            return config->verifications[i];
    return NULL;
}

/* Uses the network of the host, restricted to this one address, for connections of any duration. */
static int add_passthrough(Sandbox *sandbox, const Verification *block)
{
    _cleanup_(listen_address_done) ListenAddress target = { 0 };
    int r = listen_address_parse(block->passthrough, &target);
    const struct {
        const char *key, *value;
    } table[] = {
        { "PrivateNetwork", "no" },
        { "RestrictAddressFamilies", target.kind == LISTEN_INET6 ? "AF_INET6" : "AF_INET" },
        { "SystemCallFilter", "connect" },
        { "IPAddressDeny", "any" },
        { "IPAddressAllow", target.address },
        { "RuntimeMaxSec", "infinity" },
    };

    if (r < 0)
        return r;
    unit_file_add_word(&sandbox->file, SECTION, "Environment",
                       "ACMEMS_PASSTHROUGH=", block->passthrough);
    if (block->passthrough_proxy_protocol)
        unit_file_add_word(&sandbox->file, SECTION, "Environment",
                           "ACMEMS_PASSTHROUGH_PROXY_PROTOCOL=", "yes");
    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        unit_file_set(&sandbox->file, SECTION, table[i].key, table[i].value);
    return 0;
}

static int write_tlsalpn01(const UnitDirectory *where, const Config *config)
{
    _cleanup_(sandbox_done) Sandbox sandbox = { 0 };
    const Verification *passthrough = find_passthrough(config);
    int r = unit_file_open(&sandbox.file, where);

    if (r >= 0 && has_own_runtime(config))
        r = add_challenges(&sandbox, config, "tls-alpn-01");
    if (r >= 0 && passthrough)
        r = add_passthrough(&sandbox, passthrough);
    if (r < 0)
        return r;
    hide_keys(&sandbox, config, &(Paths){ 0 });
    return write_handler(&sandbox, "acmems-tlsalpn01.service", "acmems-tlsalpn01@.service");
}

int service_units_write(const UnitDirectory *where, const Config *config)
{
    static int (*const writers[])(const UnitDirectory *where, const Config *config) = {
        write_orderd_socket, write_orderd, write_sign, write_http01, write_tlsalpn01,
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(writers); i++)
        r = writers[i](where, config);
    return r;
}
