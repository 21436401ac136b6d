/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmemsctl check: report what is wrong with a configuration and with the files that it names. */

#include <stdio.h>
#include <syslog.h>

#include "config/key-files.h"
#include "ctl/ctl.h"
#include "ctl/installation.h"
#include "loading/file.h"
#include "loading/load.h"
#include "statedir/files/owner.h"
#include "strings/text.h"

typedef struct Tally {
    unsigned errors;
    unsigned warnings;
} Tally;

static void print_finding(int level, const char *file, unsigned line, const char *text,
                          void *userdata)
{
    Tally *tally = userdata;
    bool is_error = level == LOG_ERR;

    (*(is_error ? &tally->errors : &tally->warnings))++;
    text_print(stdout, "%s:", file);
    if (line > 0)
        printf("%u:", line);
    text_print_line(stdout, " %s: %s", is_error ? "error" : "warning", text);
}

static void print_count(const char *separator, size_t n, const char *what)
{
    printf("%s%zu %s%s", separator, n, what, n == 1 ? "" : "s");
}

/* Root reads the file as the user who could have put a link to another one there. */
static int read_key_file(Verification *v, Tally *tally)
{
    const ConfigListener listener = { print_finding, tally };
    _cleanup_free_ char *doing = NULL;
    int r = v->tsig_key_file ? owner_become_reader(v->tsig_key_file, &doing) : 0;

    if (r < 0)
        config_tell(&listener, LOG_ERR, v->file, v->tsig_key_file_line,
                    "tsig-key-file cannot be used: acmemsctl cannot %s: %s",
                    str_or(doing, "become its owner"), strerror(-r));
    else
        r = key_file_read(v, print_finding, tally);
    (void)owner_leave();
    return r;
}

static int read_key_files(const Config *config, Tally *tally)
{
    int r = 0;

    for (size_t i = 0; i < config->n_verifications; i++)
        if (read_key_file(config->verifications[i], tally) < 0)
            r = -EINVAL;
    return r;
}

static int check_file(const char *path)
{
    _cleanup_(config_unrefp) Config *config = NULL;
    Tally tally = { 0 };
    int r = config_load(path, print_finding, &tally, &config);

    if (r == -ENOMEM) {
        (void)fputs("acmemsctl: out of memory\n", stderr);
        return CTL_BAD;
    }
    if (r >= 0)
        r = read_key_files(config, &tally);
    if (r >= 0)
        installation_check(path, config, print_finding, &tally);
    text_print(stdout, "%s: ", path);
    if (r < 0)
        print_count("", tally.errors, "error");
    else
        print_count("ok, ", config->n_auth, "auth block");
    if (tally.warnings > 0)
        print_count(", ", tally.warnings, "warning");
    putchar('\n');
    return r < 0 ? CTL_BAD : CTL_GOOD;
}

int ctl_check(char *const *arguments, const CtlOptions *options)
{
    char path[PATH_MAX];
    int result = CTL_GOOD;

    (void)options;
    if (!*arguments)
        return check_file(config_file_default(path));
    for (; *arguments; arguments++)
        if (check_file(*arguments) != CTL_GOOD)
            result = CTL_BAD;
    return result;
}
