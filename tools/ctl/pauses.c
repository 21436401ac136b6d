/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmemsctl pauses, acmemsctl clear: what the CA is not asked for now. */

#include <stdio.h>

#include "config/file.h"
#include "ctl/ctl.h"
#include "ctl/pause-list.h"

/* What is wrong with it is for 'check' to say, unless nothing can be read of it at all. */
static void pass_over(int level, const char *file, unsigned line, const char *text, void *userdata)
{
    (void)level;
    (void)userdata;
    if (line == 0)
        fprintf(stderr, "acmemsctl: %s: %s\n", file, text);
}

static int load(const CtlOptions *options, Config **ret)
{
    char path[PATH_MAX];

    return config_load_sound(options->config ? options->config : config_file_default(path),
                             pass_over, NULL, ret);
}

static int fail(const char *doing, int error)
{
    fprintf(stderr, "acmemsctl: %s: %s\n", doing, strerror(-error));
    return CTL_BAD;
}

int ctl_pauses(char *const *arguments, const CtlOptions *options)
{
    _cleanup_(config_unrefp) Config *config = NULL;
    int r;

    if (*arguments)
        return ctl_usage("pauses takes no arguments: ", *arguments);
    r = load(options, &config);
    if (r >= 0)
        r = pauses_list(config);
    return r < 0 ? fail("the pauses cannot be listed", r) : CTL_GOOD;
}

static int clear(const Config *config, const char *name)
{
    int n = pauses_clear(config, name);

    if (n < 0)
        return fail("not every pause could be cleared", n);
    if (n == 0 && name) {
        fprintf(stderr, "acmemsctl: there is no pause for %s\n", name);
        return CTL_BAD;
    }
    return CTL_GOOD;
}

int ctl_clear(char *const *arguments, const CtlOptions *options)
{
    _cleanup_(config_unrefp) Config *config = NULL;
    int r, result = CTL_GOOD;

    if (options->all == (*arguments != NULL))
        return ctl_usage("clear takes names, or else --all", "");
    r = load(options, &config);
    if (r < 0)
        return fail("the configuration cannot be read", r);
    if (options->all)
        return clear(config, NULL);
    for (; *arguments; arguments++)
        if (clear(config, *arguments) != CTL_GOOD)
            result = CTL_BAD;
    return result;
}
