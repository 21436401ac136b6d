/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmemsctl check: report what is wrong with a configuration and with the files that it names. */

#include <stdio.h>
#include <syslog.h>

#include "config/key-files.h"
#include "ctl/ctl.h"
#include "ctl/installation.h"
#include "loading/file.h"
#include "loading/load.h"
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
        r = key_files_read(config, print_finding, &tally);
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
