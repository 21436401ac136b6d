/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

/* What acmemsctl's commands share; each has a file of its own. */

/* Exit codes: all is well; it is not; wrong use. */
enum { CTL_GOOD = 0, CTL_BAD = 1, CTL_USAGE = 2 };

typedef struct CtlOptions {
    const char *config; /* NULL: not given, as the others */
    const char *reason;
    const char *account;
    bool all;
} CtlOptions;

/* Says on standard error what is wrong with the command line: CTL_USAGE. */
int ctl_usage(const char *what, const char *word);

/* All: @arguments is NULL-terminated; returns an exit code. */
int ctl_check(char *const *arguments, const CtlOptions *options);
int ctl_pauses(char *const *arguments, const CtlOptions *options);
int ctl_clear(char *const *arguments, const CtlOptions *options);
int ctl_revoke(char *const *arguments, const CtlOptions *options);
