/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmemsctl: looks after an installation from the command line. */

#include <getopt.h>
#include <stdio.h>
#include <syslog.h>

#include "config-file.h"
#include "installation.h"

/* Exit codes: all is well; it is not; wrong use. */
enum { EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_USAGE = 2 };

typedef struct Verb {
    const char *name;
    int (*run)(char *const *arguments); /* NULL-terminated; returns an exit code */
} Verb;

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
    printf("%s:", file);
    if (line > 0)
        printf("%u:", line);
    printf(" %s: %s\n", is_error ? "error" : "warning", text);
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
        return EXIT_BAD;
    }
    if (r >= 0)
        installation_check(path, config, print_finding, &tally);
    printf("%s: ", path);
    if (r < 0)
        print_count("", tally.errors, "error");
    else
        print_count("ok, ", config->n_auth, "auth block");
    if (tally.warnings > 0)
        print_count(", ", tally.warnings, "warning");
    putchar('\n');
    return r < 0 ? EXIT_BAD : EXIT_GOOD;
}

static int verb_check(char *const *arguments)
{
    char path[PATH_MAX];
    int result = EXIT_GOOD;

    if (!*arguments)
        return check_file(config_file_default(path));
    for (; *arguments; arguments++)
        if (check_file(*arguments) != EXIT_GOOD)
            result = EXIT_BAD;
    return result;
}

static const Verb verbs[] = {
    { "check", verb_check },
};

static void help(void)
{
    puts("acmemsctl [OPTION…] COMMAND\n\n"
         "Look after an acmems installation.\n\n"
         "Commands:\n"
         "  check [FILE…]   Read configurations and say what is wrong with them\n"
         "                  (default " CONFIG_FILE_DEFAULT ")\n\n"
         "Options:\n"
         "  -h --help       Show this help\n"
         "     --version    Show the version");
}

static int usage(const char *what, const char *word)
{
    fprintf(stderr, "acmemsctl: %s%s\nTry 'acmemsctl --help'.\n", what, word);
    return EXIT_USAGE;
}

static int run_verb(char *const *arguments)
{
    if (!*arguments)
        return usage("a command is missing", "");
    for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
        if (streq(verbs[i].name, *arguments))
            return verbs[i].run(arguments + 1);
    return usage("unknown command: ", *arguments);
}

int main(int argc, char *argv[])
{
    enum { ARG_VERSION = 0x100 };
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, ARG_VERSION },
        { 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
        switch (c) {
        case 'h':
            help();
            return EXIT_GOOD;
        case ARG_VERSION:
            puts("acmemsctl " ACMEMS_VERSION);
            return EXIT_GOOD;
        default:
            return usage("an option is not known or lacks its value", "");
        }
    return run_verb(argv + optind);
}
