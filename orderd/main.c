/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmems-orderd: owns the ACME accounts and all orders. */

#include <getopt.h>
#include <limits.h>
#include <stdio.h>

#include "daemon.h"
#include "libacme/failure.h"
#include "loading/file.h"
#include "log/log.h"
#include "runtime-dir.h"

static const char *arg_config = NULL;

static void help(void)
{
    printf("acmems-orderd [OPTION…]\n\n"
           "Order certificates from an ACME CA for acmems-sign.\n\n"
           "  -c --config=FILE  Configuration (default " CONFIG_FILE_DEFAULT ")\n"
           "  -h --help         Show this help\n"
           "     --version      Show the version\n\n"
           "Without a unix socket from systemd, it creates <runtime-directory>/orderd.sock.\n");
}

/* 1: continue; 0: done; -EINVAL: wrong use, reported. */
static int parse_argv(int argc, char *argv[])
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
            help();
            return 0;
        case ARG_VERSION:
            puts("acmems-orderd " ACMEMS_VERSION);
            return 0;
        default:
            return -EINVAL;
        }
    if (optind < argc) {
        fprintf(stderr, "acmems-orderd: unexpected argument '%s'\n", argv[optind]);
        return -EINVAL;
    }
    return 1;
}

int main(int argc, char *argv[])
{
    char config[PATH_MAX];
    int r, listener;

    arg_config = config_file_default(config);
    r = parse_argv(argc, argv);
    if (r <= 0)
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    log_open("acmems-orderd");
    failure_name_config(arg_config);
    r = runtime_inherited_socket(&listener);
    if (r >= 0)
        r = daemon_run(arg_config, listener);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
