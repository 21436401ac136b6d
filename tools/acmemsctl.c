/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmemsctl: looks after an installation from the command line. */

#include <getopt.h>
#include <stdio.h>
#include <syslog.h>

#include "config-file.h"
#include "pauses.h"

/* Exit codes: all is well; it is not; wrong use. */
enum { EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_USAGE = 2 };

static const char *arg_config = NULL;
static bool arg_all = false;

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
    int result = EXIT_GOOD;

    if (!*arguments)
        return check_file(arg_config);
    for (; *arguments; arguments++)
        if (check_file(*arguments) != EXIT_GOOD)
            result = EXIT_BAD;
    return result;
}

static int usage(const char *what, const char *word)
{
    fprintf(stderr, "acmemsctl: %s%s\nTry 'acmemsctl --help'.\n", what, word);
    return EXIT_USAGE;
}

/* What is wrong with it is for 'check' to say, unless nothing can be read of it at all. */
static void pass_over(int level, const char *file, unsigned line, const char *text, void *userdata)
{
    (void)level;
    (void)userdata;
    if (line == 0)
        fprintf(stderr, "acmemsctl: %s: %s\n", file, text);
}

static int fail(const char *doing, int error)
{
    fprintf(stderr, "acmemsctl: %s: %s\n", doing, strerror(-error));
    return EXIT_BAD;
}

static int verb_pauses(char *const *arguments)
{
    _cleanup_(config_unrefp) Config *config = NULL;
    int r;

    if (*arguments)
        return usage("pauses takes no arguments: ", *arguments);
    r = config_load_sound(arg_config, pass_over, NULL, &config);
    if (r >= 0)
        r = pauses_list(config);
    return r < 0 ? fail("the pauses cannot be listed", r) : EXIT_GOOD;
}

static int clear(const Config *config, const char *name)
{
    int n = pauses_clear(config, name);

    if (n < 0)
        return fail("not every pause could be cleared", n);
    if (n == 0 && name) {
        fprintf(stderr, "acmemsctl: there is no pause for %s\n", name);
        return EXIT_BAD;
    }
    return EXIT_GOOD;
}

static int verb_clear(char *const *arguments)
{
    _cleanup_(config_unrefp) Config *config = NULL;
    int r, result = EXIT_GOOD;

    if (arg_all == (*arguments != NULL))
        return usage("clear takes names, or else --all", "");
    r = config_load_sound(arg_config, pass_over, NULL, &config);
    if (r < 0)
        return fail("the configuration cannot be read", r);
    if (arg_all)
        return clear(config, NULL);
    for (; *arguments; arguments++)
        if (clear(config, *arguments) != EXIT_GOOD)
            result = EXIT_BAD;
    return result;
}

static const Verb verbs[] = {
    { "check", verb_check },
    { "pauses", verb_pauses },
    { "clear", verb_clear },
};

static void help(void)
{
    puts("acmemsctl [OPTION…] COMMAND\n\n"
         "Look after an acmems installation.\n\n"
         "Commands:\n"
         "  check [FILE…]   Read configurations and say what is wrong with them\n"
         "                  (default: that of --config)\n"
         "  pauses          List what the CA is not asked for now, and why\n"
         "  clear NAME…     Have it asked for these names again\n"
         "  clear --all     Have it asked for everything again\n\n"
         "Options:\n"
         "  -c --config=FILE  Configuration (default " CONFIG_FILE_DEFAULT ")\n"
         "     --all          See 'clear'\n"
         "  -h --help         Show this help\n"
         "     --version      Show the version");
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
    enum { ARG_VERSION = 0x100, ARG_ALL };
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "all", no_argument, NULL, ARG_ALL },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, ARG_VERSION },
        { 0 },
    };
    char path[PATH_MAX];
    int c;

    arg_config = config_file_default(path);
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) >= 0)
        switch (c) {
        case 'c':
            arg_config = optarg;
            break;
        case ARG_ALL:
            arg_all = true;
            break;
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
