/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmemsctl: inspects and maintains an installation from the command line. */

#include <getopt.h>
#include <stdio.h>

#include "base/confinement.h"
#include "config/config.h"
#include "ctl/ctl.h"
#include "libacme/failure.h"
#include "statedir/files/owner.h"

typedef struct Verb {
    const char *name;
    int (*run)(char *const *arguments, const CtlOptions *options);
    bool has_config, has_all, has_reason, has_account; /* the options that the command takes */
} Verb;

static const Verb verbs[] = {
    { "check", .run = ctl_check },
    { "pauses", .run = ctl_pauses, .has_config = true },
    { "clear", .run = ctl_clear, .has_config = true, .has_all = true },
    { "revoke", .run = ctl_revoke, .has_config = true, .has_reason = true, .has_account = true },
};

static void help(void)
{
    puts("acmemsctl [OPTION…] COMMAND\n\n"
         "Inspect and maintain an acmems installation.\n\n"
         "Commands:\n"
         "  check [FILE…]        Check configuration files and report what is wrong\n"
         "                       (default " CONFIG_FILE_DEFAULT ")\n"
         "  pauses               List the pauses: what acmems does not request from the CA\n"
         "                       at present, until when, and why\n"
         "  clear NAME…|--all    Remove the pauses of these names, or all pauses\n"
         "  revoke CERT|CSR|SERIAL\n"
         "                       Revoke a certificate at the CA and remove it from the cache\n"
         "    --reason=REASON    Reason for the revocation: keyCompromise, superseded, …\n"
         "    --account=NAME     Account to revoke with: [account \"NAME\"]\n\n"
         "Options:\n"
         "     --config=FILE     Configuration file, for all commands but check "
         "(default " CONFIG_FILE_DEFAULT ")\n"
         "  -h --help            Show this help\n"
         "     --version         Show the version");
}

static int run_verb(char *const *arguments, const CtlOptions *options)
{
    if (!*arguments)
        return ctl_usage("no command given", "");
    for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
        const Verb *verb = &verbs[i];

        if (!streq(verb->name, *arguments))
            continue;
        if ((options->config && !verb->has_config) || (options->reason && !verb->has_reason) ||
            (options->all && !verb->has_all) || (options->account && !verb->has_account))
            return ctl_usage("an option is not valid for the command ", verb->name);
        return verb->run(arguments + 1, options);
    }
    return ctl_usage("unknown command: ", *arguments);
}

int main(int argc, char *argv[])
{
    enum { ARG_VERSION = 0x100, ARG_CONFIG, ARG_REASON, ARG_ACCOUNT, ARG_ALL };
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, ARG_VERSION },
        { "config", required_argument, NULL, ARG_CONFIG },
        { "reason", required_argument, NULL, ARG_REASON },
        { "account", required_argument, NULL, ARG_ACCOUNT },
        { "all", no_argument, NULL, ARG_ALL },
        { 0 },
    };
    CtlOptions given = { 0 };
    int c;

    confine_memory();
    failure_speak_to_administrator();
    while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
        switch (c) {
        case 'h':
            help();
            return CTL_GOOD;
        case ARG_VERSION:
            puts("acmemsctl " ACMEMS_VERSION);
            return CTL_GOOD;
        case ARG_CONFIG:
            given.config = optarg;
            break;
        case ARG_REASON:
            given.reason = optarg;
            break;
        case ARG_ACCOUNT:
            given.account = optarg;
            break;
        case ARG_ALL:
            given.all = true;
            break;
        default:
            return ctl_usage("unknown option, or an option without its value", "");
        }
    c = run_verb(argv + optind, &given);
    (void)owner_leave(); /* for the leak checker of a build with sanitizers */
    return c;
}
