/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmemsctl pauses, acmemsctl clear: what acmems does not ask the CA for at present. Both work on
 * the files of acmems-orderd, which reads them before each order and notices when one of an order
 * is removed, and need no connection to it. */

#include <stdio.h>

#include "ctl/ctl.h"
#include "loading/file.h"
#include "loading/load.h"
#include "statedir/order-record.h"
#include "statedir/pause.h"
#include "statedir/storage/request.h"
#include "strings/strv.h"
#include "strings/text.h"
#include "x509/dns-name.h"

#define TIME_SIZE sizeof("2026-11-27 12:00:00 UTC, and some room")

/* False: the pause is over. */
static bool format_end(const Pause *pause, char until[TIME_SIZE])
{
    struct tm tm;

    return pause_left(pause, time(NULL)) > 0 && gmtime_r(&pause->until, &tm) &&
           strftime(until, TIME_SIZE, "%Y-%m-%d %H:%M:%S UTC", &tm) > 0;
}

/* What a pause is about: a CA has no other name than its URL. */
static const char *subject(const Pause *pause)
{
    return pause->kind == PAUSE_SERVER ? pause->server : pause->what;
}

static int print_pause(const Pause *pause, void *userdata)
{
    char until[TIME_SIZE];

    (void)userdata;
    if (format_end(pause, until))
        text_print_line(stdout, "until %s (%u s, %u in a row): %s %s: %s", until,
                        pause_left(pause, time(NULL)), pause->count, pause_kind_name(pause->kind),
                        subject(pause), pause->reason);
    return 0;
}

typedef struct Clearing {
    const Config *config;
    const char *name;        /* NULL: clear all */
    const char *config_file; /* as the user gave it; NULL: the default */
    int n;
    bool is_held; /* by a pause of all names, which was printed */
} Clearing;

/* Finds @word in a @text whose words are separated by one blank. */
static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *p = text; (p = strstr(p, word)); p += length)
        if ((p == text || p[-1] == ' ') && (p[length] == '\0' || p[length] == ' '))
            return true;
    return false;
}

/* Whether a pause holds up a name: as itself, by its domain or in a set of names. */
static bool concerns(const Pause *pause, const char *name)
{
    const char *base = dns_name_base(name);

    switch (pause->kind) {
    case PAUSE_SERVER:
    case PAUSE_ACCOUNT:
        return false;
    case PAUSE_DOMAIN:
        return streq(base, pause->what) || dns_name_is_below(base, pause->what);
    case PAUSE_NAMES:
        return has_word(pause->what, name);
    case PAUSE_NAME:
        return streq(base, pause->what);
    }
    return false;
}

/* Whether a pause holds up all names that are ordered from a CA of the configuration. */
static bool concerns_all(const Pause *pause, const Config *config)
{
    bool is_ours = false;

    for (size_t i = 0; i < config->n_accounts; i++)
        is_ours |=
            streq(config->accounts[i]->server, pause->server) &&
            (pause->kind == PAUSE_SERVER || streq(config->accounts[i]->directory, pause->what));
    return is_ours && (pause->kind == PAUSE_SERVER || pause->kind == PAUSE_ACCOUNT);
}

/* A pause of all names stays: other names may need it. */
static void tell_held(Clearing *clearing, const Pause *pause)
{
    const char *file = clearing->config_file;
    char until[TIME_SIZE];

    if (!concerns_all(pause, clearing->config) || !format_end(pause, until))
        return;
    clearing->is_held = true;
    text_print_line(stderr,
                    "acmemsctl: a pause of the %s %s also holds %s, until %s: run acmemsctl clear "
                    "%s%s%s--all to end all pauses",
                    pause->kind == PAUSE_SERVER ? "CA" : "account", subject(pause), clearing->name,
                    until, file ? "--config=" : "", str_or(file, ""), file ? " " : "");
}

static int clear_pause(const Pause *pause, void *userdata)
{
    Clearing *clearing = userdata;
    int r;

    if (clearing->name && !concerns(pause, clearing->name)) {
        tell_held(clearing, pause);
        return 0;
    }
    r = pause_remove(clearing->config->state_directory, pause->kind, pause->server, pause->what);
    if (r >= 0)
        clearing->n++;
    return r;
}

/* Ends an order for a certificate with this name. One whose certificate is there does not hold up
 * anything. */
static int clear_order(Clearing *clearing, const char *key)
{
    const char *state = clearing->config->state_directory;
    _cleanup_(order_record_done) OrderRecord record = { 0 };
    _cleanup_(sign_request_done) SignRequest request = { 0 };
    _cleanup_strv_ char **names = NULL;
    _cleanup_free_ char *joined = NULL;
    const char *why;
    int r = order_record_load(state, key, &record);

    if (r >= 0)
        r = sign_request_init(&request, record.body, record.body_size);
    if (r >= 0)
        r = sign_request_parse(&request, &why);
    if (r < 0) /* acmems-orderd tells of it */
        return r == -ENOMEM ? r : 0;
    names = csr_identifiers(request.csr);
    joined = names ? strv_join(names, " ") : NULL;
    if (!joined)
        return -ENOMEM;
    if (record.stage == ORDER_STAGE_ISSUED || !strv_contains(names, clearing->name))
        return 0;
    r = order_record_remove(state, key);
    if (r < 0)
        return r;
    text_print_line(stdout, "The order for %s ends.%s", joined,
                    record.stage == ORDER_STAGE_FINALIZING
                        ? " The CA may have issued its certificate all the same."
                        : "");
    clearing->n++;
    return 0;
}

static int clear_orders(Clearing *clearing)
{
    _cleanup_strv_ char **keys = NULL;
    int r = order_record_list(clearing->config->state_directory, &keys);

    for (char **key = keys; r >= 0 && key && *key; key++)
        r = clear_order(clearing, *key);
    return r;
}

/* Findings are for `acmemsctl check` to print; here only a file that cannot be read matters. */
static void print_unreadable(int level, const char *file, unsigned line, const char *text,
                             void *userdata)
{
    (void)level;
    (void)userdata;
    if (line == 0)
        text_print_line(stderr, "acmemsctl: %s: %s", file, text);
}

static int load_config(const CtlOptions *options, Config **ret)
{
    char path[PATH_MAX];

    return config_load_sound(options->config ? options->config : config_file_default(path),
                             print_unreadable, NULL, ret);
}

static int pauses_fail(const char *doing, int error)
{
    text_print_line(stderr, "acmemsctl: %s: %s", doing, strerror(-error));
    return CTL_BAD;
}

int ctl_pauses(char *const *arguments, const CtlOptions *options)
{
    _cleanup_(config_unrefp) Config *config = NULL;
    int r;

    if (*arguments)
        return ctl_usage("pauses takes no arguments: ", *arguments);
    r = load_config(options, &config);
    if (r >= 0 && !ctl_become_owner(config->state_directory))
        return CTL_BAD;
    if (r >= 0)
        r = pause_foreach(config->state_directory, print_pause, NULL);
    return r < 0 ? pauses_fail("cannot list the pauses", r) : CTL_GOOD;
}

/* @name: NULL for all. Returns an exit code. */
static int clear(const Config *config, const CtlOptions *options, const char *name)
{
    Clearing clearing = { .config = config, .name = name, .config_file = options->config };
    int r = pause_foreach(config->state_directory, clear_pause, &clearing);

    if (r >= 0 && name)
        r = clear_orders(&clearing);
    if (r < 0)
        return pauses_fail("cannot clear everything", r);
    if (clearing.n == 0 && name) {
        text_print_line(stderr, "acmemsctl: there is no pause and no order for %s%s", name,
                        clearing.is_held ? " alone" : "");
        return CTL_BAD;
    }
    return clearing.is_held ? CTL_BAD : CTL_GOOD;
}

/* The name may be in upper case, as in a CSR, or end in a dot, as in a zone file. */
static int clear_name(const Config *config, const CtlOptions *options, const char *argument)
{
    size_t length = strlen(argument);
    _cleanup_free_ char *name =
        strndup(argument, length - (length > 1 && argument[length - 1] == '.'));

    if (!name)
        return pauses_fail("cannot clear the name", -ENOMEM);
    dns_name_fold(name);
    return clear(config, options, name);
}

int ctl_clear(char *const *arguments, const CtlOptions *options)
{
    _cleanup_(config_unrefp) Config *config = NULL;
    int r, result = CTL_GOOD;

    if (options->all == (*arguments != NULL))
        return ctl_usage("clear takes either names or --all", "");
    r = load_config(options, &config);
    if (r < 0)
        return pauses_fail("cannot read the configuration", r);
    if (!ctl_become_owner(config->state_directory))
        return CTL_BAD;
    if (options->all)
        return clear(config, options, NULL);
    for (; *arguments; arguments++)
        if (clear_name(config, options, *arguments) != CTL_GOOD)
            result = CTL_BAD;
    return result;
}
