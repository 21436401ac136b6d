/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmems-generator: writes the parts of the units that depend on the configuration
 * (systemd.generator(7)). */

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>

#include "base/confinement.h"
#include "base/path.h"
#include "generator/service-units.h"
#include "generator/socket-units.h"
#include "loading/file.h"
#include "loading/load.h"
#include "log/log.h"

static const char *arg_config = CONFIG_FILE_DEFAULT;
static const char *arg_directory;

static void generator_print_help(void)
{
    puts("acmems-generator [OPTION…] NORMAL-DIR [EARLY-DIR LATE-DIR]\n\n"
         "Write systemd units and drop-ins from the configuration. systemd runs this program.\n\n"
         "  -c --config=FILE  Configuration file (default " CONFIG_FILE_DEFAULT ")\n"
         "  -h --help         Show this help\n"
         "     --version      Show the version");
}

static int usage(const char *what)
{
    fprintf(stderr, "acmems-generator: %s\nTry 'acmems-generator --help'.\n", what);
    return -EINVAL;
}

/* Returns 1 to continue, 0 after --help or --version, -errno for a usage error. */
static int generator_parse_argv(int argc, char *argv[])
{
    enum { ARG_VERSION = 0x100 };
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, ARG_VERSION },
        { 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) >= 0)
        switch (c) {
        case 'c':
            arg_config = optarg;
            break;
        case 'h':
            generator_print_help();
            return 0;
        case ARG_VERSION:
            puts("acmems-generator " ACMEMS_VERSION);
            return 0;
        default:
            return usage("unknown option, or an option without its value");
        }
    if (argc - optind != 1 && argc - optind != 3)
        return usage("give one directory, or three as systemd does");
    if (!path_is_usable(arg_config))
        return usage("units name the configuration file: give an absolute path without ..");
    arg_directory = argv[optind];
    return 1;
}

/* This runs at each boot and reload. The programs that use the configuration log its warnings. */
static void log_error_finding(int level, const char *file, unsigned line, const char *text,
                              void *userdata)
{
    if (level == LOG_ERR)
        config_log_finding(level, file, line, text, userdata);
}

static int generate(void)
{
    /* Not freed: that would take a tenth of the time that the boot waits for this program. */
    static Config *config;
    _cleanup_close_ int fd = open(arg_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const UnitDirectory where = { .fd = fd, .source = arg_config };
    int r;

    if (fd < 0)
        return log_error_errno(errno, "Failed to open the directory '%s': %m", arg_directory);
    r = config_load_sound(arg_config, log_error_finding, NULL, &config);
    if (r == -ENOMEM)
        return log_oom();
    if (r < 0)
        return r; /* reported as a finding */
    r = socket_units_write(&where, config);
    if (r < 0)
        (void)log_error_errno(r, "Failed to write socket units to '%s': %m", arg_directory);
    r = service_units_write(&where, config);
    if (r < 0)
        (void)log_error_errno(r, "Failed to write service drop-ins to '%s': %m", arg_directory);
    return 0;
}

int main(int argc, char *argv[])
{
    int r = generator_parse_argv(argc, argv);

    confine_memory();
    if (r <= 0)
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    log_open_early("acmems-generator");
    log_set_max_level(LOG_WARNING);
    (void)generate(); /* a failure here must not stop the boot */
    return EXIT_SUCCESS;
}
